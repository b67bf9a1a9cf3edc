"""The route of OpenAI's moderations. No upstream is asked: the gateway judges by its own guard."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence

import msgspec

from gateway.access import Access
from gateway.amounts import Amounts
from gateway.errors import ClientGone, GatewayError, Internal, JournalFull, error_body
from gateway.front.asgi import Params, Route
from gateway.front.exchange import Exchange, read_json
from gateway.guarding.moderating import Moderator
from gateway.guarding.notes import as_json, header
from gateway.journal import Journal
from gateway.leases import Reservation
from gateway.limits import Limits
from gateway.record import CallRecord
from gateway.snapshot import Snapshot, Snapshots
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.trace import TraceContext
from gateway.types import Principal
from gateway.wire.body import dump
from gateway.wire.headers import lines, refusal_headers
from gateway.wire.moderations import MODEL, answer, read
from guardrails.verdict import Verdict

log = logging.getLogger(__name__)


class Asking(msgspec.Struct):
    """One request, and what is known of it so far."""

    id: str
    exchange: Exchange
    snapshot: Snapshot
    started: int
    """Unix time in nanoseconds."""
    principal: Principal | None = None
    reservation: Reservation | None = None
    rates: bytes = b""
    """Header lines on how near its limits are."""
    asked: str | None = None
    served: str | None = None
    verdicts: Sequence[Verdict] = ()
    error: GatewayError | None = None

    def record(self) -> CallRecord:
        who, error, headers = self.principal, self.error, self.exchange.headers
        trace = TraceContext.read(headers.get(b"traceparent"))
        client_id = headers.get(b"x-client-request-id")
        return CallRecord(
            id=self.id,
            started=self.started,
            surface="moderations",
            status=error.status if error is not None else 200,
            error=error.code if error is not None else None,
            key_id=who.key_id if who is not None else None,
            asked=self.asked[:200] if self.asked is not None else None,
            served=self.served,
            total_us=(time.perf_counter_ns() - self.exchange.started) // 1000,
            client_request_id=client_id[:128].decode("latin-1") if client_id is not None else None,
            trace_id=trace.trace_id if trace is not None else None,
            span_id=trace.span_id if trace is not None else None,
            parent_id=trace.parent_id if trace is not None else None,
            snapshot=self.snapshot.digest,
            owner=who.owner if who is not None else None,
            team=who.team if who is not None else None,
            project=who.project if who is not None else None,
            guards=as_json(self.verdicts) if self.verdicts else None,
        )


class ModerationRoutes:
    """Asked for with any key, within its limits of requests; every request is journalled before its reply."""

    def __init__(
        self, snapshots: Snapshots, moderator: Moderator, limits: Limits, journal: Journal, metrics: Metrics
    ) -> None:
        self._snapshots = snapshots
        self._moderator = moderator
        self._limits = limits
        self._journal = journal
        self._metrics = metrics

    def table(self) -> Sequence[Route]:
        return [Route("POST", "/v1/moderations", Access.KEY, self._serve)]

    async def _serve(self, exchange: Exchange, params: Params) -> None:
        asking = Asking(f"req_{os.urandom(12).hex()}", exchange, self._snapshots.current, time.time_ns())
        body = b""
        try:
            body = await self._answer(asking)
        except GatewayError as error:
            asking.error = error
        except asyncio.CancelledError:
            asking.error = ClientGone("The client closed the connection.")
        except Exception:
            log.exception("defect while serving %s", asking.id)
            asking.error = Internal(f"An internal error occurred. The server's log has it under {asking.id}.")
        self._close(asking, body)
        asking.error = None  # its traceback holds this frame

    async def _answer(self, asking: Asking) -> bytes:
        self._journal.admit()
        headers = asking.exchange.headers
        keys = asking.snapshot.keys
        asking.principal = principal = keys.authenticate(headers.get(b"authorization"), headers.get(b"x-api-key"))
        asked = read(read_json(asking.exchange))
        asking.asked = asked.model
        if allowances := principal.allowances:
            most, limits = Amounts(), self._limits
            asking.reservation = limits.take(allowances, most) or await limits.reserve(allowances, most)
            asking.rates = limits.fields(asking.reservation)
        judged = await self._moderator.judge(asked.inputs)
        asking.verdicts = judged.verdicts
        if judged.error is not None:
            raise judged.error
        asking.served = MODEL
        return dump(answer(f"modr-{asking.id.removeprefix('req_')}", judged.read))

    def _close(self, asking: Asking, body: bytes) -> None:
        """Settle, record, and only then the reply."""
        error, record = asking.error, asking.record()
        if asking.reservation is not None:
            self._limits.settle(asking.reservation, Amounts())
        if not isinstance(error, JournalFull):
            self._journal.append(record)
        self._metrics.observe(record)
        self._metrics.judged(asking.verdicts)
        fields = b"x-request-id: %b\r\nx-sluice-overhead-us: %d\r\n" % (asking.id.encode(), record.total_us)
        fields += b"openai-processing-ms: %d\r\n" % (record.total_us // 1000)
        fields += header(asking.verdicts) + asking.rates
        if error is None:
            asking.exchange.reply(200, fields, body)
            return
        fields += lines(refusal_headers(error)) + (b"" if asking.rates else error.limits)
        asking.exchange.reply(error.status, fields, error_body(error))
