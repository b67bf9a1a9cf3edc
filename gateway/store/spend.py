"""What was spent: sums by day of what each key, project, team, endpoint and upstream took, and the shadow of each
rollout, kept with the calls."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, literal, literal_column, select, text

from gateway.amounts import DAY
from gateway.record import CallRecord
from gateway.store.engine import Store
from gateway.store.tables.calls import calls, spend

Kind = Literal["key", "project", "team", "endpoint", "upstream", "rollout"]

DAY_NS = DAY * 1_000_000_000
MOST = 10**12
"""No call counts for more tokens or micro-USD: sums must not pass what a column holds, whatever an upstream claims, or
they would hold up the records."""
KINDS: tuple[Kind, ...] = ("key", "project", "team", "endpoint", "upstream", "rollout")
SHADOW: ColumnElement[str] = literal_column("'shadow'")
"""Written out: PostgreSQL takes two parameters of one value for two values, and does not group by them."""
COLUMNS = {
    "key": calls.c.key_id,
    "project": calls.c.project,
    "team": calls.c.team,
    "endpoint": case((calls.c.arm.is_distinct_from(SHADOW), calls.c.endpoint)),
    "upstream": calls.c.upstream,
    "rollout": case((calls.c.arm == SHADOW, calls.c.rollout)),
}
"""Of a call, what it counts under. A shadow is its rollout's to pay and not its endpoint's."""
SUMS = ("calls", "errors", "input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost")
ADD = text(
    f"INSERT INTO spend (kind, name, day, {', '.join(SUMS)}) "  # noqa: S608 - names of ours
    f"VALUES (:kind, :name, :day, {', '.join(f':{name}' for name in SUMS)}) "
    "ON CONFLICT (kind, name, day) DO UPDATE SET "
    f"{', '.join(f'{name} = spend.{name} + excluded.{name}' for name in SUMS)}"
)


@dataclass(frozen=True, slots=True)
class Sums:
    """What one scope took in a span of time. `cost` is micro-USD."""

    name: str
    calls: int
    errors: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost: int


def add(connection: Connection, records: Sequence[CallRecord]) -> None:
    """Add what these calls took, in the transaction that makes them records. The rows are taken in one order, so that
    two gateways which do this at once wait for each other and do not lock each other out."""
    sums: dict[tuple[str, str, int], list[int]] = {}
    for (day, names), amounts in _grouped(records).items():
        for kind, name in zip(KINDS, names, strict=True):
            if name is not None:
                so_far = sums.setdefault((kind, name, day), [0] * len(SUMS))
                so_far[:] = map(operator.add, so_far, amounts)
    if sums:
        rows = [
            {"kind": kind, "name": name, "day": day, **dict(zip(SUMS, amounts, strict=True))}
            for (kind, name, day), amounts in sorted(sums.items())
        ]
        connection.execute(ADD, rows)


def rebuild(connection: Connection) -> None:
    """All sums anew, from the calls that are there."""
    connection.execute(delete(spend))
    day = calls.c.started // DAY_NS
    failed = func.sum(case((calls.c.error.is_not(None), 1), else_=0))
    amounts = [func.sum(calls.c[name]) for name in SUMS[2:]]
    for kind, column in COLUMNS.items():
        sums = select(literal(kind), column, day, func.count(), failed, *amounts).where(column.is_not(None))
        connection.execute(insert(spend).from_select(["kind", "name", "day", *SUMS], sums.group_by(column, day)))


def _grouped(records: Sequence[CallRecord]) -> dict[tuple[int, tuple[str | None, ...]], list[int]]:
    """Sums by the day and everything a call is counted under at once, which is far fewer than calls."""
    groups: dict[tuple[int, tuple[str | None, ...]], list[int]] = {}
    for one in records:
        endpoint, rollout = (one.endpoint, None) if one.arm != "shadow" else (None, one.rollout)
        group = (one.started // DAY_NS, (one.key_id, one.project, one.team, endpoint, one.upstream, rollout))
        sums = groups.get(group)
        if sums is None:
            sums = groups[group] = [0] * len(SUMS)
        sums[0] += 1
        sums[1] += one.error is not None
        sums[2] += min(one.input_tokens, MOST)
        sums[3] += min(one.output_tokens, MOST)
        sums[4] += min(one.cached_tokens, MOST)
        sums[5] += min(one.reasoning_tokens, MOST)
        sums[6] += min(one.cost, MOST)
    return groups


def usage(connection: Connection, by: Kind, since: float, until: float) -> list[Sums]:
    """What each took on the days (UTC) from the one of `since` to the one before or of `until`, the dearest first."""
    amounts = [func.sum(spend.c[name]).label(name) for name in SUMS]
    days = (spend.c.day >= since // DAY, spend.c.day < -(-until // DAY))
    query = select(spend.c.name, *amounts).where(spend.c.kind == by, *days).group_by(spend.c.name)
    found = [Sums(row.name, *map(int, row[1:])) for row in connection.execute(query)]
    return sorted(found, key=lambda sums: (-sums.cost, -sums.calls, sums.name))


def spent(store: Store) -> Callable[[str, float, float], int]:
    """What budgets start from: micro-USD that a scope, as `team:web`, has spent on the days (UTC) from the one of the
    first Unix time to the one before or of the second. The function blocks, and raises `Unavailable` when the database
    is dead."""

    def cost(scope: str, since: float, until: float) -> int:
        kind, _, name = scope.partition(":")
        days = (spend.c.day >= since // DAY, spend.c.day < -(-until // DAY))
        query = select(func.sum(spend.c.cost)).where(spend.c.kind == kind, spend.c.name == name, *days)
        with store.begin() as connection:
            return int(connection.execute(query).scalar_one() or 0)

    return cost
