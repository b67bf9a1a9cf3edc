"""One visit of a client to the pipeline: what is known of it so far, and in the end its record."""

from __future__ import annotations

import time

import msgspec

from gateway.errors import GatewayError
from gateway.front.exchange import Exchange
from gateway.pricing import cost
from gateway.record import CallRecord
from gateway.snapshot import Route, Snapshot
from gateway.telemetry.trace import TraceContext
from gateway.types import Principal, Usage
from gateway.wire.surface import Call, Surface, Translator

NO_USAGE = Usage()


class Visit(msgspec.Struct):
    """Filled in step by step by the pipeline; every field is None, or empty, until its step was reached."""

    id: str
    surface: Surface
    exchange: Exchange
    snapshot: Snapshot
    started: int
    """Unix time in nanoseconds."""
    trace: TraceContext | None
    principal: Principal | None = None
    call: Call | None = None
    route: Route | None = None
    translator: Translator | None = None
    error: GatewayError | None = None
    body: bytes = b""
    limits: bytes = b""
    """The upstream's rate-limit fields."""
    asked_at: int = 0
    served_at: int = 0
    first_at: int = 0
    streaming: bool = False
    detached: bool = False
    """The client has its reply; the work goes on in the background."""

    @classmethod
    def begin(cls, request_id: str, surface: Surface, exchange: Exchange, snapshot: Snapshot) -> Visit:
        trace = TraceContext.read(exchange.headers.get(b"traceparent"))
        return cls(request_id, surface, exchange, snapshot, time.time_ns(), trace)

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
        call, route, exchange, trace = self.call, self.route, self.exchange, self.trace
        meter = self.translator.meter if self.translator is not None else None
        upstream = route.upstream if route is not None else None
        usage = self.usage()
        client_id = exchange.headers.get(b"x-client-request-id")
        return CallRecord(  # in the order of its fields: naming 28 of them costs five times as much
            self.id,
            self.started,
            self.surface.name,
            self.status,
            self.error.code if self.error is not None else None,
            self.principal.key_id if self.principal is not None else None,
            call.model[:200] if call is not None else None,
            route.endpoint if route is not None else None,
            route.digest if route is not None else None,
            upstream.name if upstream is not None else None,
            upstream.kind if upstream is not None else None,
            meter.model if meter is not None else None,
            call.stream if call is not None else False,
            usage.input,
            usage.output,
            usage.cached,
            usage.reasoning,
            usage.estimated,
            cost(upstream.price, usage) if upstream is not None else 0,
            (now - exchange.started) // 1000,
            ((self.served_at or now) - self.asked_at) // 1000 if self.asked_at else 0,
            (self.first_at - exchange.started) // 1000 if self.first_at else None,
            meter.finish.get(0) if meter is not None else None,
            client_id[:128].decode("latin-1") if client_id is not None else None,
            trace.trace_id if trace is not None else None,
            trace.span_id if trace is not None else None,
            trace.parent_id if trace is not None else None,
            self.snapshot.digest,
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
