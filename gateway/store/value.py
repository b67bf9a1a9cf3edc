"""Queries for what an endpoint cost and brought: its calls, and what was said of them.

Where there are more than are read, a sample is: by the microseconds of a call's start, which say nothing of the call.
A sample with a smaller share is part of one with a larger share, so that calls and feedback fit together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sqlalchemy import CTE, ColumnElement, Connection, and_, func, not_, or_, select

from gateway.store.tables.calls import calls
from gateway.store.tables.evidence import feedback
from gateway.store.tables.rollouts import rollouts

PARTS = 9973
"""Of so many a sample takes the first few. A second is 2,700 microseconds more than a multiple of them, so that what
comes once a second, or once a minute, falls into all of them alike."""
NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """Of an endpoint's calls, those begun from `since` to just before `until`, Unix times: all that clients made,
    without shadows and without those that ask for a candidate by its digest; or one arm of a rollout."""

    endpoint: str
    since: float
    until: float
    rollout: str | None = None
    arm: str | None = None

    @property
    def calls(self) -> list[ColumnElement[bool]]:
        """Conditions on a call."""
        begun = [calls.c.started >= round(self.since * NANO), calls.c.started < round(self.until * NANO), TAKEN_ON]
        if self.rollout is not None:
            return [calls.c.rollout == self.rollout, *begun, calls.c.arm == self.arm, calls.c.step.is_not(None)]
        seen = or_(calls.c.arm.is_(None), calls.c.arm != "shadow")
        return [calls.c.asked == self.endpoint, *begun, calls.c.endpoint == self.endpoint, seen]

    @property
    def feedback(self) -> CTE:
        """All that may be about such a call. Made first, and whole: else SQLite looks through it anew for each call."""
        given = select(feedback).where(feedback.c.endpoint == self.endpoint, feedback.c.at >= self.since)
        return given.cte("given").prefix_with("MATERIALIZED")


@dataclass(frozen=True, slots=True)
class Served:
    """A call that an endpoint took on. `unit` is what answers alike: the conversation or user of a rollout, where it
    was in one, else the call itself. `started` is Unix time in nanoseconds, `cost` micro-USD."""

    id: str
    started: int
    release: str | None
    unit: str
    step: int | None
    failed: bool
    cost: int
    total_us: int


@dataclass(frozen=True, slots=True)
class Said:
    """Feedback on such a call, of which it knows the same. `value` is micro-USD."""

    call: str
    started: int
    release: str | None
    unit: str
    step: int | None
    metric: str
    score: float | None
    outcome: str | None
    value: int | None
    seconds_saved: float | None


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a rollout's shadow took: `cost` is micro-USD."""

    calls: int
    cost: int


TAKEN_ON = or_(calls.c.status < 400, calls.c.status >= 499)
"""Not refused for what the client sent, or was not allowed; a client that left had its call all the same."""
CALL = (calls.c.id, calls.c.started, calls.c.release, func.coalesce(calls.c.unit, calls.c.id), calls.c.step)
FAILED = or_(calls.c.status >= 500, and_(calls.c.status == 200, calls.c.error.is_not(None)))


def count_served(connection: Connection, of: Part) -> int:
    return connection.execute(select(func.count()).select_from(calls).where(*of.calls)).scalar_one()


def count_said(connection: Connection, of: Part) -> int:
    given = of.feedback
    query = select(func.count()).select_from(given).join(calls, calls.c.id == given.c.call)
    return connection.execute(query.where(*of.calls)).scalar_one()


def served(connection: Connection, of: Part, share: float) -> list[Served]:
    """That share of the calls, oldest first."""
    query = select(*CALL, FAILED, calls.c.cost, calls.c.total_us).where(*of.calls, _sampled(share))
    return [Served(*row) for row in connection.execute(query.order_by(calls.c.started))]


def said(connection: Connection, of: Part, share: float) -> list[Said]:
    """What was said of that share of the calls."""
    given = of.feedback
    of_it = (given.c[name] for name in ("metric", "score", "outcome", "value", "seconds_saved"))
    query = select(*CALL, *of_it).join_from(given, calls, calls.c.id == given.c.call)
    return [Said(*row) for row in connection.execute(query.where(*of.calls, _sampled(share)))]


def _sampled(share: float) -> ColumnElement[bool]:
    return (calls.c.started // 1000) % PARTS < math.ceil(share * PARTS)


def rollouts_of(connection: Connection, of: Part) -> dict[str, str]:
    """Those that were under way meanwhile, oldest first, and the release that each is of."""
    ended_before = and_(rollouts.c.updated < of.since, rollouts.c.state.not_in(("running", "paused")))
    under_way = (rollouts.c.endpoint == of.endpoint, rollouts.c.created < of.until, not_(ended_before))
    query = select(rollouts.c.id, rollouts.c.release).where(*under_way).order_by(rollouts.c.created, rollouts.c.id)
    return {row.id: row.release for row in connection.execute(query)}


def unseen(connection: Connection, of: Part) -> Unseen:
    """What a rollout's shadow took."""
    sums = select(func.count(), func.coalesce(func.sum(calls.c.cost), 0)).where(*replace(of, arm="shadow").calls)
    calls_made, cost = connection.execute(sums).one()
    return Unseen(calls_made, int(cost))
