"""The walk of a request, from its bytes to its record. This is the hot path: read `_walk` top to bottom.

    authenticate → parse → resolve → (draw an arm) → render → (kept reply?) → reserve → ask upstreams → meter, settle →
    record → reply → (ask a shadow)

Nothing here waits for a database or a log, and for the state that replicas share only where a limit's lease has run
dry, or the client asks for a kept reply. Whatever goes wrong is an error of `gateway.errors`, and every
visit, refused or broken off, ends in one record, journalled before the client has seen the end of its reply.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from dataclasses import dataclass
from itertools import count

from gateway.amounts import Allowance, Amounts
from gateway.arms import draw
from gateway.attempts import answer
from gateway.bounds import bound
from gateway.contents import Contents
from gateway.conversations import Conversations
from gateway.errors import BadRequest, ClientGone, GatewayError, Internal, JournalFull
from gateway.front.exchange import Exchange, read_json
from gateway.front.transcript import Transcript
from gateway.journal import Journal
from gateway.limits import Limits
from gateway.record import CallRecord
from gateway.releases.resolve import Trial
from gateway.replies import Replies
from gateway.shadow import Shadows
from gateway.snapshot import Route, Snapshots
from gateway.telemetry.metrics import Metrics
from gateway.types import Principal
from gateway.visit import Visit
from gateway.wire.body import dump
from gateway.wire.headers import idempotency, lines, refusal_headers
from gateway.wire.surface import Call, Surface

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keeping:
    """What keeps something of a call beyond its reply."""

    conversations: Conversations
    replies: Replies
    contents: Contents


class Pipeline:
    """Serves every surface. One per process; belongs to its event loop."""

    def __init__(
        self,
        snapshots: Snapshots,
        journal: Journal,
        metrics: Metrics,
        limits: Limits,
        shadows: Shadows,
        keeping: Keeping,
    ) -> None:
        self._snapshots = snapshots
        self._journal = journal
        self._metrics = metrics
        self._conversations = keeping.conversations
        self._limits = limits
        self._replies = keeping.replies
        self._contents = keeping.contents
        self._shadows = shadows
        self._prefix = f"req_{os.urandom(8).hex()}"
        self._numbers = count(1)

    async def serve(self, surface: Surface, exchange: Exchange, principal: Principal | None = None) -> None:
        """Answer one exchange. Never raises: a defect of ours becomes a 500 with a record, like everything else.
        `principal` is known already where the gateway itself calls in a key's name."""
        visit = Visit.begin(f"{self._prefix}{next(self._numbers):08x}", surface, exchange, self._snapshots.current)
        visit.principal = principal
        try:
            await self._walk(visit)
        except GatewayError as error:
            visit.error = error
        except asyncio.CancelledError:
            visit.error = ClientGone("The client closed the connection.")
        except Exception:
            log.exception("defect while serving %s", visit.id)
            visit.error = Internal(f"An internal error occurred. The server's log has it under {visit.id}.")
        self._close(visit)
        visit.error = None  # its traceback holds this frame: a cycle, which would keep the body until it is collected

    async def _walk(self, visit: Visit) -> None:
        self._journal.admit()
        exchange, surface, snapshot = visit.exchange, visit.surface, visit.snapshot
        headers = exchange.headers
        visit.principal = principal = visit.principal or snapshot.keys.authenticate(
            headers.get(b"authorization"), headers.get(b"x-api-key")
        )
        visit.call = call = surface.read(read_json(exchange))
        visit.route = route = snapshot.resolve(call.model, principal)
        if call.previous is not None:
            await self._conversations.recall(call, principal)
        visit.place = route.place
        if route.trial is not None:
            visit.route = route = self._take_part(visit, call, route, route.trial)
        if route.release is not None:
            route.release.apply(call, surface.operation)
        elif call.prompt is not None:
            raise BadRequest(f"{call.model!r} has no prompt to fill.", param="prompt", code="invalid_value")
        visit.passed_on = idempotency(headers) + (visit.trace.header if visit.trace is not None else b"")
        visit.plan = plan = self._replies.plan(surface, principal, route, call, exchange)
        visit.captured = self._contents.wants(principal, route.endpoint)
        if plan is not None or visit.captured:
            visit.exchange = Transcript(exchange)
        if plan is not None:
            began = time.perf_counter_ns()
            visit.kept = await self._replies.find(plan)
            if visit.kept is not None:
                visit.asked_at, visit.served_at = began, time.perf_counter_ns()  # waiting for the first is not ours
                return
        if allowances := snapshot.allowances(principal, route):
            await self._reserve(visit, call, route, allowances)
        if call.background:
            await self._in_background(visit, call, principal)
        else:
            await self._answer(visit, call, principal)

    def _take_part(self, visit: Visit, call: Call, route: Route, trial: Trial) -> Route:
        """In a canary, where the arm that was drawn goes; in the shadow stage the call goes as ever, and its twin is
        kept for when it is over."""
        assert visit.principal is not None
        assert route.candidate is not None
        if not trial.weight:
            visit.twin = self._shadows.twin(visit, call, route, trial)
            return route
        visit.place = draw(trial, call, visit.principal, visit.exchange.headers, visit.id)
        return route.candidate if visit.place.arm == "candidate" else route

    async def _reserve(self, visit: Visit, call: Call, route: Route, allowances: tuple[Allowance, ...]) -> None:
        """Raises where a limit is reached. Waits only where too little is leased."""
        limits, most = self._limits, bound(call, visit.surface.operation, route.pool, allowances)
        visit.reservation = limits.take(allowances, most) or await limits.reserve(allowances, most)
        visit.rates = limits.fields(visit.reservation)

    async def _answer(self, visit: Visit, call: Call, principal: Principal) -> None:
        """Have an upstream answer, and keep what is to be kept of it."""
        visit.asked_at = time.perf_counter_ns()
        try:
            await answer(visit, call)
        finally:
            visit.served_at = time.perf_counter_ns()
        if call.store:
            assert visit.attempt is not None
            await self._conversations.keep(call, visit.attempt.translator, principal, visit.id)

    async def _in_background(self, visit: Visit, call: Call, principal: Principal) -> None:
        """Tell the client at once under which id to ask again, and go on without it."""
        unmade = visit.surface.translator(call)
        pending = await self._conversations.detach(call, unmade, principal, visit.id)
        visit.exchange.reply(200, visit.fields(0), dump(pending))
        visit.detached = True
        self._keep(visit)  # a request sent again is given this id, and makes no second response
        try:
            await self._answer(visit, call, principal)
        except GatewayError as error:
            await self._conversations.settle(call, unmade, principal, error)
            raise
        except asyncio.CancelledError:
            gone = ClientGone("The response was cancelled.")
            await asyncio.shield(self._conversations.settle(call, unmade, principal, gone))
            raise

    def _close(self, visit: Visit) -> None:
        """Meter, settle, record, and only then the end of the reply."""
        if visit.twin is not None:
            self._shadows.follow(visit, visit.twin)
        record = visit.record()
        if visit.reservation is not None:
            self._limits.settle(visit.reservation, Amounts(record.input_tokens + record.output_tokens, record.cost))
        if not isinstance(visit.error, JournalFull):
            self._journal.append(record)
        self._metrics.observe(record)
        if visit.guarded is not None:
            self._metrics.judged(visit.verdicts)
        if not visit.detached:
            self._end(visit, record)
            if visit.plan is not None or visit.captured:
                self._keep(visit)

    def _keep(self, visit: Visit) -> None:
        """What the client has been told, for its requests to come and by the policy for contents."""
        if isinstance(visit.exchange, Transcript):
            if visit.plan is not None:
                self._replies.keep(visit.plan, visit.exchange, visit.error, visit.guards)
            if visit.captured:
                self._contents.offer(visit.id, visit.started, visit.exchange)

    def _end(self, visit: Visit, record: CallRecord) -> None:
        exchange, error, attempt = visit.exchange, visit.error, visit.attempt
        if visit.streaming and attempt is not None:
            broken = b"" if error is None else attempt.translator.fail(error)
            exchange.end(attempt.body + broken)
            return
        fields = visit.fields(record.total_us - record.upstream_us)
        if error is not None:
            fields += lines(refusal_headers(error))
            fields += b"" if visit.rates else error.limits
            exchange.reply(error.status, fields, visit.surface.error(error))
        elif visit.kept is not None:
            visit.kept.send(exchange, fields)
        elif attempt is not None and record.stream:
            exchange.begin(fields, attempt.body)  # a stream whose only events came at its end
            exchange.end(b"")
        elif attempt is not None:
            exchange.reply(200, fields + b"x-sluice-cost: %d\r\n" % record.cost, attempt.body)
