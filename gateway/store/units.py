"""Queries on what a rollout's analysis has still to take in, and on the units whose calls are being added up."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from gateway.store.tables.rollouts import observations, rollout_units
from gateway.types import Json

MOST = 2000
"""Observations taken in at once: a tick is short, and takes the next ones where there are more."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one call came to, or, with a `metric`, a score that was given to one. `at` is Unix time in seconds; `pair`
    is the call that a shadow's is the twin of. Times are microseconds, `cost` micro-USD."""

    call: str
    at: float
    arm: str
    step: int
    unit: str
    metric: str | None
    value: float | None
    failed: bool
    blocked: bool
    total_us: int
    cost: int
    pair: str | None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """What is known of a unit in one step. `sums` are what the analysis adds up."""

    unit: str
    step: int
    arm: str
    first: float
    closed: bool
    sums: Json


def drain(connection: Connection, rollout: str, most: int = MOST) -> list[Observation]:
    """Take out the oldest observations. In the transaction in which the analysis takes them in: none is lost, and none
    counts twice."""
    rows = connection.execute(
        select(observations).where(observations.c.rollout == rollout).order_by(observations.c.id).limit(most)
    ).all()
    for at in range(0, len(rows), 500):
        ids = [row.id for row in rows[at : at + 500]]
        connection.execute(delete(observations).where(observations.c.id.in_(ids)))
    return [_observation(row) for row in rows]


def forget(connection: Connection, rollout: str) -> None:
    """What is left of a rollout that has ended."""
    connection.execute(delete(observations).where(observations.c.rollout == rollout))
    connection.execute(delete(rollout_units).where(rollout_units.c.rollout == rollout))


def sweep(connection: Connection, kept: Collection[str]) -> None:
    """What came late for rollouts that have ended."""
    connection.execute(delete(observations).where(observations.c.rollout.not_in(sorted(kept))))


def of_units(connection: Connection, rollout: str, units: Collection[str]) -> list[UnitRow]:
    """All there is of these units, by step."""
    wanted = sorted(units)
    found: list[UnitRow] = []
    for at in range(0, len(wanted), 500):
        part = rollout_units.c.unit.in_(wanted[at : at + 500])
        query = select(rollout_units).where(rollout_units.c.rollout == rollout, part)
        found += [_unit(row) for row in connection.execute(query.order_by(rollout_units.c.step))]
    return found


def due(connection: Connection, rollout: str, before: float) -> list[UnitRow]:
    """Units that began before then and are still being added up, oldest first."""
    query = select(rollout_units).where(
        rollout_units.c.rollout == rollout, ~rollout_units.c.closed, rollout_units.c.first < before
    )
    return [_unit(row) for row in connection.execute(query.order_by(rollout_units.c.first, rollout_units.c.unit))]


def put(connection: Connection, rollout: str, rows: Iterable[UnitRow], known: Collection[tuple[str, int]]) -> None:
    """Write units; `known` are those, by name and step, that are there already."""
    fresh = []
    for row in rows:
        values = {"arm": row.arm, "first": row.first, "closed": row.closed, "sums": row.sums}
        if (row.unit, row.step) in known:
            connection.execute(
                update(rollout_units)
                .where(
                    rollout_units.c.rollout == rollout,
                    rollout_units.c.unit == row.unit,
                    rollout_units.c.step == row.step,
                )
                .values(**values)
            )
        else:
            fresh.append({"rollout": rollout, "unit": row.unit, "step": row.step, **values})
    if fresh:
        connection.execute(insert(rollout_units), fresh)


def _observation(row: Row[Any]) -> Observation:
    return Observation(
        call=row.call,
        at=row.at / 1e9,
        arm=row.arm,
        step=row.step,
        unit=row.unit,
        metric=row.metric,
        value=row.value,
        failed=bool(row.failed),
        blocked=bool(row.blocked),
        total_us=row.total_us or 0,
        cost=row.cost or 0,
        pair=row.pair,
    )


def _unit(row: Row[Any]) -> UnitRow:
    return UnitRow(row.unit, row.step, row.arm, row.first, row.closed, row.sums)
