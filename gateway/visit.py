"""One visit of a client to the pipeline: what is known of it so far, and in the end its record."""

from __future__ import annotations

import time

from gateway.errors import GatewayError
from gateway.front.exchange import Exchange
from gateway.pricing import cost
from gateway.record import CallRecord
from gateway.snapshot import Route, Snapshot
from gateway.telemetry.trace import TraceContext
from gateway.types import Principal, Usage
from gateway.wire.surface import Call, Surface, Translator

NO_USAGE = Usage()


class Visit:
    """Filled in step by step by the pipeline; every field is None, or empty, until its step was reached."""

    __slots__ = (
        "asked_at",
        "body",
        "call",
        "detached",
        "error",
        "exchange",
        "first_at",
        "id",
        "limits",
        "principal",
        "route",
        "served_at",
        "snapshot",
        "started",
        "streaming",
        "surface",
        "trace",
        "translator",
    )

    def __init__(self, request_id: str, surface: Surface, exchange: Exchange, snapshot: Snapshot) -> None:
        self.id = request_id
        self.surface = surface
        self.exchange = exchange
        self.snapshot = snapshot
        self.started = time.time_ns()
        self.trace = TraceContext.read(exchange.headers.get(b"traceparent"))
        self.principal: Principal | None = None
        self.call: Call | None = None
        self.route: Route | None = None
        self.translator: Translator | None = None
        self.error: GatewayError | None = None
        self.body = b""
        self.limits = b""
        """The upstream's rate-limit fields."""
        self.asked_at = 0
        self.served_at = 0
        self.first_at = 0
        self.streaming = False
        self.detached = False
        """The client has its reply; the work goes on in the background."""

    def usage(self) -> Usage:
        """What is billed: the upstream's figures; an estimate where it gave none, or the call ended too early."""
        if self.translator is None or self.call is None or not self.asked_at:
            return NO_USAGE
        meter = self.translator.meter
        if meter.usage is None and self.error is not None and not meter.events:
            return NO_USAGE
        return meter.usage or meter.estimate(self.call.body)

    def record(self) -> CallRecord:
        now = time.perf_counter_ns()
        usage = self.usage()
        call, route, error, exchange = self.call, self.route, self.error, self.exchange
        meter = self.translator.meter if self.translator is not None else None
        upstream = route.upstream if route is not None else None
        released = route.release if route is not None else None
        total = (now - exchange.started) // 1000
        waited = ((self.served_at or now) - self.asked_at) // 1000 if self.asked_at else 0
        client_id = exchange.headers.get(b"x-client-request-id")
        return CallRecord(
            id=self.id,
            started=self.started,
            surface=self.surface.name,
            status=self.status,
            error=error.code if error is not None else None,
            key_id=self.principal.key_id if self.principal is not None else None,
            asked=call.model[:200] if call is not None else None,
            endpoint=route.endpoint if route is not None else None,
            release=released.release.digest if released is not None else None,
            upstream=upstream.name if upstream is not None else None,
            provider=upstream.kind if upstream is not None else None,
            served=meter.model if meter is not None else None,
            stream=call.stream if call is not None else False,
            input_tokens=usage.input,
            output_tokens=usage.output,
            cached_tokens=usage.cached,
            reasoning_tokens=usage.reasoning,
            estimated=usage.estimated,
            cost=cost(upstream.price, usage) if upstream is not None else 0,
            total_us=total,
            upstream_us=waited,
            first_us=(self.first_at - exchange.started) // 1000 if self.first_at else None,
            finish=meter.finish.get(0) if meter is not None else None,
            client_request_id=client_id[:128].decode("latin-1") if client_id is not None else None,
            trace_id=self.trace.trace_id if self.trace is not None else None,
            span_id=self.trace.span_id if self.trace is not None else None,
            parent_id=self.trace.parent_id if self.trace is not None else None,
            snapshot=self.snapshot.digest,
        )

    @property
    def status(self) -> int:
        """The status the client saw; a stream that broke had already said 200, one the client left is 499."""
        if self.error is None or (self.streaming and self.error.status != 499):
            return 200
        return self.error.status

    def fields(self, overhead_us: int) -> bytes:
        """What every reply tells about itself: header lines, each ended by CRLF."""
        name = self.id.encode()
        lines = b"x-request-id: %b\r\nx-sluice-overhead-us: %d\r\n" % (name, overhead_us)
        if self.surface.name == "messages":
            lines += b"request-id: %b\r\n" % name  # where Anthropic's SDK looks
        if self.asked_at:
            spent = (self.served_at or time.perf_counter_ns()) - self.exchange.started
            lines += b"openai-processing-ms: %d\r\n" % (spent // 1_000_000)
        if self.route is not None and self.route.release is not None:
            lines += self.route.release.field
        call = self.call
        if call is not None and (call.fixed or call.dropped):
            lines += _listing(b"x-sluice-fixed", call.fixed) + _listing(b"x-sluice-dropped", call.dropped)
        return lines + self.limits


def _listing(name: bytes, items: list[str]) -> bytes:
    return b"%b: %b\r\n" % (name, ", ".join(items).encode("latin-1", "replace")) if items else b""
