"""What is kept for how long: classes of data by age, and holds that keep some of it whatever its age."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, false, func, insert, not_, select, true, update

from gateway.store.tables.calls import calls, contents, responses, retention_holds
from gateway.store.tables.evidence import deliveries, feedback, reviews

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Hold:
    """Keeps what matches everything given, until it is lifted. Times are Unix times."""

    id: str
    key_id: str | None
    project: str | None
    endpoint: str | None
    reason: str
    created: float
    created_by: str
    lifted: float | None = None
    lifted_by: str | None = None


@dataclass(frozen=True, slots=True)
class DataClass:
    """A table whose rows go when `age` is so long ago, in units of which `unit` make a second. `held` says which rows a
    hold keeps."""

    name: str
    table: Table
    age: str
    unit: int
    held: Callable[[Hold], ColumnElement[bool]]

    @property
    def began(self) -> ColumnElement[int]:
        return self.table.c[self.age]


@dataclass(frozen=True, slots=True)
class Span:
    """What is left to go through of a class, in its own unit: from `start` to just before `end`."""

    start: int
    end: int


def _call(hold: Hold) -> ColumnElement[bool]:
    named = {"key_id": hold.key_id, "project": hold.project, "endpoint": hold.endpoint}
    return and_(true(), *(calls.c[name] == value for name, value in named.items() if value is not None))


def _content(hold: Hold) -> ColumnElement[bool]:
    return select(calls.c.id).where(calls.c.id == contents.c.id, _call(hold)).exists()


def _feedback(hold: Hold) -> ColumnElement[bool]:
    return select(calls.c.id).where(calls.c.id == feedback.c.call, _call(hold)).exists()


def _review(hold: Hold) -> ColumnElement[bool]:
    return select(calls.c.id).where(calls.c.id == reviews.c.call, _call(hold)).exists()


def _response(hold: Hold) -> ColumnElement[bool]:
    """A response knows no more than its key. What cannot be told apart is kept."""
    return responses.c.key_id == hold.key_id if hold.key_id is not None else true()


def _delivery(_: Hold) -> ColumnElement[bool]:
    """What happened stays in the audit log; a delivery says nothing of a call."""
    return false()


CLASSES = (
    DataClass("deliveries", deliveries, "created", 1, _delivery),
    DataClass("contents", contents, "started", NANO, _content),
    DataClass("responses", responses, "created", 1, _response),
    DataClass("feedback", feedback, "at", 1, _feedback),
    DataClass("reviews", reviews, "at", 1, _review),
    DataClass("calls", calls, "started", NANO, _call),
)
"""Calls last: contents, feedback and decisions are held by their calls."""


def due(connection: Connection, of: DataClass, keep: float, now: float) -> Span | None:
    """What is older than `keep` seconds; None where nothing is."""
    end = int((now - keep) * of.unit)
    oldest = connection.execute(select(func.min(of.began)).where(of.began < end)).scalar()
    return Span(int(oldest), end) if oldest is not None else None


def remove(connection: Connection, of: DataClass, span: Span, most: int) -> tuple[int, Span | None]:
    """Go through the oldest `most` rows of the span, and remove those that no hold keeps; gives how many those were and
    what is left of the span."""
    within = (of.began >= span.start, of.began < span.end)
    oldest = select(of.began).where(*within).order_by(of.began).offset(most).limit(1)
    edge = connection.execute(oldest).scalar()
    end = span.end if edge is None else max(int(edge), span.start + 1)
    done = connection.execute(
        delete(of.table).where(of.began >= span.start, of.began < end, *_free(of, holds(connection)))
    )
    return done.rowcount, Span(end, span.end) if end < span.end else None


def count(connection: Connection, of: DataClass, span: Span) -> tuple[int, int]:
    """How many rows of the span would go, and how many are held."""
    within = (of.began >= span.start, of.began < span.end)
    query = select(func.count()).select_from(of.table).where(*within)
    everything: int = connection.execute(query).scalar_one()
    free: int = connection.execute(query.where(*_free(of, holds(connection)))).scalar_one()
    return free, everything - free


def _free(of: DataClass, held: Sequence[Hold]) -> list[ColumnElement[bool]]:
    return [not_(func.coalesce(of.held(hold), false())) for hold in held]


def hold(connection: Connection, new: Hold) -> None:
    connection.execute(insert(retention_holds).values(**{name: getattr(new, name) for name in Hold.__slots__}))


def lift(connection: Connection, hold_id: str, by: str) -> bool:
    """False where there is no such hold in force."""
    mine = (retention_holds.c.id == hold_id, retention_holds.c.lifted.is_(None))
    done = connection.execute(update(retention_holds).where(*mine).values(lifted=time.time(), lifted_by=by))
    return done.rowcount == 1


def holds(connection: Connection, *, lifted: bool = False) -> list[Hold]:
    """Those in force, oldest first; with those that were lifted where that is asked for."""
    query = select(retention_holds).order_by(retention_holds.c.created, retention_holds.c.id)
    if not lifted:
        query = query.where(retention_holds.c.lifted.is_(None))
    return [Hold(**row._mapping) for row in connection.execute(query)]


def new_id() -> str:
    return f"hold_{os.urandom(8).hex()}"
