"""What calls under a rollout came to, put where its analysis takes it from, in the transaction that makes them
records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from gateway.errors import Unjudged
from gateway.record import CallRecord
from gateway.routing import FOR_NOBODY
from gateway.store.rollouts import OPEN_STATES
from gateway.store.tables.rollouts import observations, rollouts

LEFT = 499
REFUSED = 400


def add(connection: Connection, records: Sequence[CallRecord]) -> None:
    """Those of these calls that count for a rollout which is still open."""
    seen = [one for one in records if one.rollout is not None and _counts(one)]
    if not seen:
        return
    wanted = rollouts.c.id.in_({one.rollout for one in seen}), rollouts.c.state.in_(OPEN_STATES)
    still = set(connection.execute(select(rollouts.c.id).where(*wanted)).scalars())
    rows = [_observed(one) for one in seen if one.rollout in still]
    if rows:
        connection.execute(insert(observations), rows)


def _counts(one: CallRecord) -> bool:
    """Whether a call says something about its arm. One that was not drawn does not; nor does a kept reply, or a call
    that was refused for its limits before the arm had a part in it. One that the release itself refuses does: a prompt
    that asks for another variable breaks its clients, and so does a guard that cannot judge. A shadow that was broken
    off came to nothing."""
    if one.step is None or one.unit is None or one.replayed is not None:
        return False
    if one.upstream is None and one.status != REFUSED and one.error != Unjudged.default_code:
        return False
    return not (one.arm == "shadow" and one.status == LEFT)


def _observed(one: CallRecord) -> dict[str, Any]:
    """A client that left did not see it fail, but had waited so long."""
    blocked = one.finish == "content_filter" or one.error in FOR_NOBODY
    return {
        "rollout": one.rollout,
        "call": one.id,
        "at": one.started,
        "arm": one.arm,
        "step": one.step,
        "unit": one.unit,
        "failed": one.error is not None and one.status != LEFT and not blocked,
        "blocked": blocked,
        "total_us": one.total_us,
        "first_us": one.first_us,
        "cost": one.cost,
        "pair": one.pair,
    }
