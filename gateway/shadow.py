"""The shadow stage of a rollout: calls are put to the candidate once more after they were answered, and nobody sees
what it says. Their records are marked, and paired with those of the calls they are the twins of.

A twin begins when the client has the end of its reply, and touches nothing of it: nothing is kept or stored, no tool is
run, nobody's limits are used up but the rollout's own budget, and no breaker hears of it. It fails open: where there is
no money left, or too many twins are under way, a call has none, and that is counted.
"""

from __future__ import annotations

import asyncio
import logging
import time

import msgspec

from gateway.amounts import Amounts
from gateway.arms import Place, sampled, unit_of
from gateway.attempts import answer
from gateway.bounds import bound
from gateway.errors import ClientGone, GatewayError, Internal
from gateway.http.base import Reply
from gateway.journal import Journal
from gateway.limits import Limits
from gateway.releases.resolve import Trial
from gateway.snapshot import Route
from gateway.types import Json
from gateway.visit import Visit
from gateway.wire.body import JSON
from gateway.wire.surface import Call

log = logging.getLogger(__name__)

MOST_AT_ONCE = 16
"""Twins under way in a process; a call that would have one more has none."""
RUN_BY_CLIENTS = ("custom", "function")
"""Types of tools that an upstream only asks for. Others it runs itself: twice, where it is asked twice."""
KEEPING = ("metadata", "store")
"""Fields that have an upstream keep what it says."""
LAST_PASS = 2.0
"""Seconds that twins are given to end, once they were cancelled."""


class Unseen:
    """An `Exchange` without a client."""

    __slots__ = ("body", "headers", "refusal", "started")

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.refusal: GatewayError | None = None
        self.started = 0

    def reply(self, status: int, fields: bytes, body: bytes, kind: bytes = JSON) -> None: ...

    def begin(self, fields: bytes, events: bytes) -> None: ...

    def write(self, events: bytes) -> None: ...

    def end(self, events: bytes) -> None: ...

    def flow(self, upstream: Reply) -> None: ...


class Shadows:
    """One per process; belongs to its event loop."""

    def __init__(self, journal: Journal, limits: Limits) -> None:
        self._journal = journal
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked = self.dropped = self.skipped = self.unfunded = self.cost = 0

    def gauges(self) -> dict[str, tuple[str, float]]:
        return {
            "shadows": ("Calls put to a candidate unseen.", self.asked),
            "shadows_in_flight": ("Of these, under way.", len(self._tasks)),
            "shadows_dropped": ("Sampled and not put to it: too many were under way.", self.dropped),
            "shadows_skipped": ("Sampled and not put to it: a tool would have been run twice.", self.skipped),
            "shadows_unfunded": ("Sampled and not put to it: the budget was spent, or not to be known.", self.unfunded),
            "shadows_cost_micro_usd": ("What they cost.", self.cost),
        }

    def twin(self, visit: Visit, call: Call, route: Route, trial: Trial) -> Visit | None:
        """The same call on its way to the candidate, to be made once this one is over; None for most, which are not
        sampled. Called before a release is laid over the call."""
        if not sampled(trial, visit.id):
            return None
        if _runs_tools({**call.body, **trial.release.fixed}):
            self.skipped += 1
            return None
        assert visit.principal is not None
        unit = unit_of(trial, call, visit.principal, visit.exchange.headers, visit.id)
        twin = Visit(f"{visit.id}_shadow", visit.surface, Unseen(), visit.snapshot, 0, None)
        body = {name: value for name, value in call.body.items() if name not in KEEPING}
        twin.call = msgspec.structs.replace(call, body=body, store=False, background=False, fixed=[], dropped=[])
        twin.route, twin.place = route.candidate, Place(trial.rollout, "shadow", 0, unit, visit.id)
        return twin

    def follow(self, visit: Visit, twin: Visit) -> None:
        """Called when all there is to a call is its record and the end of its reply: its twin begins after both. A call
        that no upstream was asked for, or whose client left, is nothing to compare with."""
        if visit.attempt is None or visit.status == ClientGone.status:
            return
        if len(self._tasks) >= MOST_AT_ONCE:
            self.dropped += 1
            return
        visit.place = msgspec.structs.replace(twin.place, arm="live", pair=None)
        task = asyncio.create_task(self._ask(twin))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Break off what is under way."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_PASS)

    async def _ask(self, twin: Visit) -> None:
        assert twin.call is not None
        twin.started, twin.exchange.started = time.time_ns(), time.perf_counter_ns()
        try:
            if not await self._reserve(twin, twin.call):
                self.unfunded += 1
                return
            self.asked += 1
            twin.asked_at = time.perf_counter_ns()
            await answer(twin, twin.call)
        except GatewayError as error:
            twin.error = error
        except asyncio.CancelledError:
            twin.error = ClientGone("The gateway ended.")
        except Exception:
            log.exception("defect in the shadow %s", twin.id)
            twin.error = Internal("An internal error occurred.")
        twin.served_at = time.perf_counter_ns()
        self._close(twin)
        twin.error = None  # its traceback holds this frame

    async def _reserve(self, twin: Visit, call: Call) -> bool:
        """Lay the candidate over the call, and see whether there is money for it. Raises where it does not fit."""
        route = twin.route
        assert route is not None
        assert route.release is not None
        route.release.apply(call, twin.surface.operation)
        if route.allowances:
            if self._limits.fault is not None:
                return False  # clients may be served unchecked now; what nobody waits for is not
            most = bound(call, twin.surface.operation, route.pool, route.allowances)
            try:
                twin.reservation = await self._limits.reserve(route.allowances, most)
            except GatewayError:
                return False
        return True

    def _close(self, twin: Visit) -> None:
        """Meter, settle and record."""
        record = twin.record()
        self.cost += record.cost
        if twin.reservation is not None:
            self._limits.settle(twin.reservation, Amounts(record.input_tokens + record.output_tokens, record.cost))
        self._journal.append(record)


def _runs_tools(body: Json) -> bool:
    """Whether an upstream may do more than answer this."""
    tools = body.get("tools") or ()
    return body.get("web_search_options") is not None or any(tool.get("type") not in RUN_BY_CLIENTS for tool in tools)
