"""One visit of a client to the pipeline: what is known of it so far, and in the end its record."""

from __future__ import annotations

import time

import msgspec
import orjson

from gateway.arms import NOWHERE, Place
from gateway.errors import GatewayError
from gateway.front.exchange import Exchange
from gateway.guarding.call import GuardedCall
from gateway.guarding.notes import as_json, header
from gateway.guarding.reply import GuardedReply
from gateway.guarding.review import mark
from gateway.leases import Reservation
from gateway.pricing import cost
from gateway.providers.base import Ask
from gateway.record import CallRecord
from gateway.replies import KeptReply, Plan
from gateway.snapshot import Route, Snapshot
from gateway.telemetry.trace import TraceContext
from gateway.types import Principal, Usage
from gateway.upstreams import Upstream
from gateway.wire.surface import Call, Surface, Translator
from guardrails.verdict import Verdict

NO_USAGE = Usage()


class Attempt(msgspec.Struct):
    """One upstream asked once for one call."""

    upstream: Upstream
    translator: Translator
    started: int
    """`time.perf_counter_ns()`."""
    limits: bytes = b""
    """The upstream's rate-limit fields."""
    body: bytes = b""
    """What was made and the client was not given yet."""
    guarded: GuardedReply | None = None
    """Where its release has a policy: its reply, as the guards let it through."""
    committed: bool = False
    """The client has the first token: there is no way back."""


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
    passed_on: bytes = b""
    """Header fields for upstreams, each ended by CRLF."""
    place: Place = NOWHERE
    """Its place in a rollout."""
    twin: Visit | None = None
    """The same call once more, for the candidate of a rollout in its shadow stage."""
    attempt: Attempt | None = None
    """The one that answers; while none has, the latest."""
    tries: list[tuple[str, str | None, int]] | None = None
    """Every attempt made, once one has failed: upstream, error code, microseconds."""
    plan: Plan | None = None
    """Where its reply may be one that was kept, or is to be kept."""
    kept: KeptReply | None = None
    """The reply, where an earlier one is given again."""
    guarded: GuardedCall | None = None
    """Where its release has a policy."""
    captured: bool = False
    """What is said is to be kept, by the policy for contents."""
    reservation: Reservation | None = None
    """What was reserved of its limits."""
    rates: bytes = b""
    """Header lines on how near its limits are; in their place, an upstream's own are not passed on."""
    error: GatewayError | None = None
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

    def attempt_at(self, upstream: Upstream, call: Call) -> Attempt:
        """A new one, not begun."""
        guarded = self.guarded.reply() if self.guarded is not None else None
        return Attempt(upstream, self.surface.translator(call), time.perf_counter_ns(), guarded=guarded)

    def ask(self, upstream: Upstream, call: Call) -> Ask:
        """The call as this upstream is asked; raises what it cannot do."""
        assert self.route is not None
        return upstream.ask(call, self.surface.operation, self.passed_on, self.route.adapter)

    def tried(self, attempt: Attempt, code: str | None) -> None:
        """An attempt ended, and is listed; one that goes well with none before it need not be."""
        if self.tries is None:
            self.tries = []
        spent = (time.perf_counter_ns() - attempt.started) // 1000
        self.tries.append((attempt.upstream.name, code, spent))

    def begin_stream(self) -> None:
        """Give the client the head of its reply and what the attempt has so far."""
        assert self.attempt is not None
        self.streaming = True
        self.first_at = time.perf_counter_ns()
        self.exchange.begin(self.fields((self.asked_at - self.exchange.started) // 1000), self.attempt.body)
        self.attempt.body = b""

    @property
    def verdicts(self) -> list[Verdict]:
        """Of the guards on the request, and on the reply that answers."""
        asked = self.guarded.verdicts if self.guarded is not None else []
        reply = self.attempt.guarded if self.attempt is not None else None
        return asked + (reply.verdicts if reply is not None else [])

    @property
    def guards(self) -> str | None:
        """What the record tells of guards, as JSON: of a kept reply what they did when it was made."""
        if self.guarded is not None:
            return as_json(self.verdicts)
        return self.kept.guards if self.kept is not None else None

    def usage(self) -> Usage:
        """What is billed: the upstream's figures; an estimate where it gave none, or the call ended too early."""
        if self.attempt is None or self.call is None:
            return NO_USAGE
        meter = self.attempt.translator.meter
        if meter.usage is None and self.error is not None and not meter.events:
            return NO_USAGE
        return meter.usage or meter.estimate(self.call.body)

    def record(self) -> CallRecord:
        """What is kept of it, as it stands."""
        record = self._outside_rollouts()
        if self.place is NOWHERE:
            return record
        return msgspec.structs.replace(record, **msgspec.structs.asdict(self.place))

    def _outside_rollouts(self) -> CallRecord:
        now = time.perf_counter_ns()
        call, route, exchange, trace = self.call, self.route, self.exchange, self.trace
        attempt, principal, tries = self.attempt, self.principal, self.tries
        meter = attempt.translator.meter if attempt is not None else None
        upstream = attempt.upstream if attempt is not None else None
        usage = self.usage()
        client_id = exchange.headers.get(b"x-client-request-id")
        return CallRecord(  # in the order of its fields: naming them all costs five times as much
            self.id,
            self.started,
            self.surface.name,
            self.status,
            self.code,
            principal.key_id if principal is not None else None,
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
            principal.owner if principal is not None else None,
            principal.team if principal is not None else None,
            principal.project if principal is not None else None,
            orjson.dumps(tries).decode() if tries is not None and len(tries) > 1 else None,
            self.plan.replayed if self.plan is not None else None,
            guards=self.guards,
            review=mark(self.verdicts) if self.guarded is not None else None,
        )

    @property
    def code(self) -> str | None:
        """Of the error, which may be one that was kept."""
        if self.error is not None:
            return self.error.code
        return self.kept.error if self.kept is not None else None

    @property
    def status(self) -> int:
        """The status the client saw; a stream that broke had already said 200, one the client left is 499."""
        if self.kept is not None and self.error is None:
            return self.kept.status
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
        if self.plan is not None:
            lines += self.plan.fields
        if self.guarded is not None:
            lines += header(self.guarded.verdicts if self.streaming else self.verdicts)
        elif self.kept is not None and self.kept.guards is not None:
            lines += b"x-sluice-guards: %b\r\n" % self.kept.guards.encode("ascii")
        if self.rates or self.attempt is None:
            return lines + self.rates
        return lines + self.attempt.limits


def _listing(name: bytes, items: list[str]) -> bytes:
    return b"%b: %b\r\n" % (name, ", ".join(items).encode("latin-1", "replace")) if items else b""
