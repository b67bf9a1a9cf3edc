"""The search for records of calls: any filters together, newest first, page by page, and no page takes long.

One of the filters drives: its index gives calls newest first, and the others are looked at call by call. The sparsest
drives, so that what is rare is found however rare it is. Where all that is asked for is common but seldom comes
together, a page ends after so many calls were looked at, with what it found and where to go on.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
)

from gateway.record import CallRecord
from gateway.store.tables.calls import DEAR, SLOW_US, calls
from gateway.store.tables.evidence import reviews

LAST = 2**63 - 1
FIRST_LOOK = 256
WIDER = 8
MOST_LOOKED = 5_000
"""Calls that one page looks at before it ends unfilled."""
SPARSE = 1000
"""The filter that reaches furthest back with so many calls is the sparsest."""
NAMED = (
    "id",
    "client_request_id",
    "trace_id",
    "error",
    "owner",
    "key_id",
    "project",
    "team",
    "release",
    "rollout",
    "arm",
    "pair",
    "endpoint",
    "asked",
    "upstream",
    "finish",
    "review",
    "surface",
    "stream",
)
"""Fields that are equal to what is asked for."""
COMMON = {"surface": "chat", "finish": "stop"}
"""What most calls are, and the index has not."""
INDEXED = {
    name: calls.c[name] != literal_column(f"'{COMMON[name]}'") if name in COMMON else calls.c[name].is_not(None)
    for name in NAMED
    if name not in ("stream", "arm")
}
"""Fields with an index, and the condition of the calls that are in it."""
BY_ANOTHER = {"endpoint": "asked"}
"""A call that went to an endpoint asked for it by its name: one index serves both."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The call after which a page goes on, towards the past."""

    started: int
    id: str

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.started},{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises `ValueError` where this is no cursor that a page gave."""
        try:
            started, _, request_id = (
                base64.b64decode(text + "=" * (-len(text) % 4), b"-_", True).decode().partition(",")
            )
            return cls(int(started), request_id)
        except (binascii.Error, ValueError) as error:
            raise ValueError("give the cursor of a page as it was") from error


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls: the newest `limit` of those that match everything given and come after the cursor. Times are Unix
    time in nanoseconds, `since` included and `until` not; `status_class` of 5 is 5xx; `min_cost` is micro-USD.
    `for_review` are those that a person is to look at, `undecided` those of which nobody has decided anything, and
    `guard` those that a guard of this name judged, or should have."""

    limit: int = 50
    after: Cursor | None = None
    since: int | None = None
    until: int | None = None
    id: str | None = None
    client_request_id: str | None = None
    trace_id: str | None = None
    error: str | None = None
    errors_only: bool = False
    status: int | None = None
    status_class: int | None = None
    owner: str | None = None
    key_id: str | None = None
    project: str | None = None
    team: str | None = None
    release: str | None = None
    rollout: str | None = None
    arm: str | None = None
    pair: str | None = None
    endpoint: str | None = None
    asked: str | None = None
    upstream: str | None = None
    finish: str | None = None
    surface: str | None = None
    stream: bool | None = None
    min_cost: int | None = None
    min_total_us: int | None = None
    review: str | None = None
    for_review: bool = False
    undecided: bool = False
    guard: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What was found, newest first, and where to go on; None: there is no more."""

    records: tuple[CallRecord, ...]
    next: Cursor | None


def recent(connection: Connection, wanted: Filter) -> list[CallRecord]:
    """As many as asked for, over as many pages as it takes."""
    found: list[CallRecord] = []
    after = wanted.after
    while True:
        read = page(connection, replace(wanted, limit=wanted.limit - len(found), after=after))
        found += read.records
        after = read.next
        if after is None or len(found) == wanted.limit:
            return found


def page(connection: Connection, wanted: Filter) -> Page:
    """One page. It may hold fewer than asked for, or none, and yet not be the last."""
    driver = _sparsest(connection, wanted)
    found: list[CallRecord] = []
    look, looked, after = max(FIRST_LOOK, 2 * wanted.limit), 0, wanted.after
    while True:
        read = _look(connection, replace(wanted, limit=wanted.limit - len(found), after=after), driver, look)
        found += read.records
        after = read.next
        looked += look
        if after is None or len(found) == wanted.limit or looked >= MOST_LOOKED:
            return Page(tuple(found), after)
        look = min(look * WIDER, MOST_LOOKED)


@dataclass(frozen=True, slots=True)
class _Driver:
    """An index on (`column`, started), of the calls that meet `condition`, and the value whose calls it gives; without
    a column, an index on started."""

    column: ColumnElement[Any] | None = None
    value: Any = None
    condition: ColumnElement[bool] | None = None

    def part(self, wanted: Filter) -> list[ColumnElement[bool]]:
        """The calls from `since` to the cursor. Said as a range of rows, as the index is ordered, and not as `column =
        value`: so no database takes it that another index would give them in the same order."""
        first = 0 if wanted.since is None else wanted.since
        last = LAST if wanted.until is None else wanted.until - 1
        if wanted.after is not None:
            last = min(last, wanted.after.started)
        if self.column is None:
            conditions = [calls.c.started >= first, calls.c.started <= last]
        else:
            entry = tuple_(self.column, calls.c.started)
            conditions = [entry >= tuple_(self.value, first), entry <= tuple_(self.value, last)]
        if self.condition is not None:
            conditions.append(self.condition)
        return conditions

    @property
    def newest(self) -> list[ColumnElement[Any]]:
        """The order in which the index has them."""
        return [calls.c.started.desc()] if self.column is None else [self.column.desc(), calls.c.started.desc()]


def _look(connection: Connection, wanted: Filter, driver: _Driver, look: int) -> Page:
    """Those that match among the `look` newest calls that the driver gives. The last of them is read too, to go on
    from."""
    before = []
    if wanted.after is not None:
        before = [or_(calls.c.started < wanted.after.started, calls.c.id < wanted.after.id)]
    part = select(calls).where(*driver.part(wanted), *before)
    given = part.order_by(*driver.newest, calls.c.id.desc()).limit(look).subquery()
    place = func.row_number().over(order_by=(given.c.started.desc(), given.c.id.desc()))
    looked = select(given.c.id, _matches(wanted, given).label("matches"), place.label("place")).subquery()
    rows = connection.execute(
        select(calls, looked.c.matches, looked.c.place)
        .join(looked, looked.c.id == calls.c.id)
        .where(or_(looked.c.matches, looked.c.place == look))
        .order_by(looked.c.place)
        .limit(wanted.limit + 1)
    ).all()
    found = [CallRecord(*row[:-2]) for row in rows if row.matches]
    if len(found) > wanted.limit:
        last = found[wanted.limit - 1]
        return Page(tuple(found[: wanted.limit]), Cursor(last.started, last.id))
    exhausted = not rows or rows[-1].place < look
    return Page(tuple(found), None if exhausted else Cursor(rows[-1].started, rows[-1].id))


def _matches(wanted: Filter, of: FromClause) -> ColumnElement[bool]:
    conditions = [of.c[name] == getattr(wanted, name) for name in NAMED if getattr(wanted, name) is not None]
    if wanted.errors_only:
        conditions.append(of.c.error.is_not(None))
    if wanted.status is not None:
        conditions.append(of.c.status == wanted.status)
    if wanted.status_class is not None:
        conditions.append(of.c.status.between(wanted.status_class * 100, wanted.status_class * 100 + 99))
    if wanted.min_cost is not None:
        conditions.append(of.c.cost >= wanted.min_cost)
    if wanted.min_total_us is not None:
        conditions.append(of.c.total_us >= wanted.min_total_us)
    if wanted.for_review:
        conditions.append(of.c.review.is_not(None))
    if wanted.undecided:
        standing = (reviews.c.call == of.c.id, reviews.c.undone.is_(None))
        conditions.append(not_(select(reviews.c.id).where(*standing).exists()))
    if wanted.guard is not None:
        conditions.append(of.c.guards.contains(f'"guard":"{wanted.guard}"', autoescape=True))
    return and_(true(), *conditions)


def _drivers(wanted: Filter) -> list[_Driver]:
    """One for each filter that an index serves. An index on some of the calls is used where its own condition is in the
    query word by word."""
    found = []
    for name, condition in INDEXED.items():
        value = getattr(wanted, name)
        if value is not None and value != COMMON.get(name):
            found.append(_Driver(calls.c[BY_ANOTHER.get(name, name)], value, condition))
    if wanted.status is not None and wanted.status >= 400:
        found.append(_Driver(calls.c.status, wanted.status, calls.c.status >= literal_column("400")))
    if wanted.errors_only or (wanted.status_class or 0) >= 4:
        found.append(_Driver(condition=calls.c.error.is_not(None)))
    if wanted.for_review:
        found.append(_Driver(condition=calls.c.review.is_not(None)))
    if (wanted.min_total_us or 0) >= SLOW_US:
        found.append(_Driver(condition=calls.c.total_us >= literal_column(str(SLOW_US))))
    if (wanted.min_cost or 0) >= DEAR:
        found.append(_Driver(condition=calls.c.cost >= literal_column(str(DEAR))))
    return found


def _sparsest(connection: Connection, wanted: Filter) -> _Driver:
    """The driver whose newest calls reach furthest back; where there are fewer than that, all of them are looked at."""
    drivers = _drivers(wanted)
    if len(drivers) < 2:
        return drivers[0] if drivers else _Driver()
    reaches: list[int] = []
    for driver in drivers:
        query = select(calls.c.started).where(*driver.part(wanted)).order_by(*driver.newest)
        reaches.append(connection.execute(query.offset(SPARSE).limit(1)).scalar() or 0)
    return drivers[reaches.index(min(reaches))]
