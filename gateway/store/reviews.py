"""Queries on what people decided on calls that guards stopped or nearly stopped."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, insert, select, tuple_, update

from gateway.store.tables.evidence import reviews
from gateway.types import Json

ActName = Literal["example", "allow", "sample", "dismiss"]
MOST = 10_000
"""Decisions on one endpoint that go into a policy: what a policy holds of rules."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided on one call. Times are Unix times. `text` is what was judged, and `sha256` its digest;
    `attack` says of an example whether the guard should have caught it, `kind` what it is an example of, `lang` its
    language. `team` is whose calls an allow rule lets through; None: all."""

    id: str
    call: str
    act: ActName
    guard: str | None
    at: float
    by: str
    key_id: str | None
    note: str = ""
    endpoint: str | None = None
    team: str | None = None
    sha256: str | None = None
    text: str | None = None
    attack: bool | None = None
    kind: str | None = None
    lang: str | None = None
    sample: Json | None = None
    undone: float | None = None
    undone_by: str | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which decisions that stand: all that matches everything given. `after` is the id of the one that a page ended
    with."""

    guard: str | None = None
    endpoint: str | None = None
    since: float | None = None
    after: str | None = None


STANDS = reviews.c.undone.is_(None)


def get(connection: Connection, decision_id: str) -> Decision | None:
    """Locked until the transaction ends: one decides at a time."""
    row = connection.execute(select(reviews).where(reviews.c.id == decision_id).with_for_update()).first()
    return Decision(**row._mapping) if row is not None else None


def put(connection: Connection, made: Decision) -> None:
    """Keep it; in place of one of the same id, which was undone."""
    changed = connection.execute(update(reviews).where(reviews.c.id == made.id).values(**asdict(made)))
    if changed.rowcount == 0:
        connection.execute(insert(reviews).values(**asdict(made)))


def undo(connection: Connection, decision_id: str, at: float, by: str) -> None:
    """What was said in the call goes."""
    gone: dict[str, Any] = {"text": None, "sample": None}
    mine = (reviews.c.id == decision_id, STANDS)
    connection.execute(update(reviews).where(*mine).values(undone=at, undone_by=by, **gone))


def of_calls(connection: Connection, calls: Collection[str]) -> dict[str, list[Decision]]:
    """Those that stand and those undone, oldest first, by call."""
    found: dict[str, list[Decision]] = {call: [] for call in calls}
    query = select(reviews).where(reviews.c.call.in_(sorted(found))).order_by(reviews.c.at, reviews.c.id)
    for row in connection.execute(query):
        found[row.call].append(Decision(**row._mapping))
    return found


def standing(connection: Connection, act: ActName, wanted: Filter, limit: int) -> list[Decision]:
    """Of one kind, oldest first."""
    conditions: list[ColumnElement[bool]] = [STANDS, reviews.c.act == act]
    for name in ("guard", "endpoint"):
        if (value := getattr(wanted, name)) is not None:
            conditions.append(reviews.c[name] == value)
    if wanted.since is not None:
        conditions.append(reviews.c.at >= wanted.since)
    if wanted.after is not None:
        last = select(reviews.c.at, reviews.c.id).where(reviews.c.id == wanted.after).scalar_subquery()
        conditions.append(tuple_(reviews.c.at, reviews.c.id) > last)
    query = select(reviews).where(*conditions).order_by(reviews.c.at, reviews.c.id).limit(limit)
    return [Decision(**row._mapping) for row in connection.execute(query)]


def of_endpoint(connection: Connection, endpoint: str) -> list[Decision]:
    """What was decided on its calls that changes its policy, and what of that was undone; oldest first."""
    mine = (reviews.c.endpoint == endpoint, reviews.c.act.in_(("allow", "example")))
    query = select(reviews).where(*mine).order_by(reviews.c.at.desc(), reviews.c.id.desc()).limit(MOST)
    return [Decision(**row._mapping) for row in connection.execute(query)][::-1]
