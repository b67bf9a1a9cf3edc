"""The search for records of calls: any filters together, newest first, page by page, and no page takes long.

One of the filters drives: its index gives calls newest first, and the others are looked at call by call. The sparsest
drives, so that what is rare is found however rare it is. Where all that is asked for is common but seldom comes
together, a page ends after so many calls were looked at, with what it found and where to go on.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    func,
    literal_column,
    or_,
    select,
    true,
)

from gateway.record import CallRecord
from gateway.store.tables import DEAR, SLOW_US, calls

FIRST_LOOK = 256
WIDER = 8
MOST_LOOKED = 10_000
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
    "endpoint",
    "asked",
    "upstream",
    "finish",
    "surface",
    "stream",
)
"""Fields that are equal to what is asked for."""


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
    time in nanoseconds, `since` included and `until` not; `status_class` of 5 is 5xx; `min_cost` is micro-USD."""

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
    endpoint: str | None = None
    asked: str | None = None
    upstream: str | None = None
    finish: str | None = None
    surface: str | None = None
    stream: bool | None = None
    min_cost: int | None = None
    min_total_us: int | None = None


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


def _look(connection: Connection, wanted: Filter, driver: ColumnElement[bool], look: int) -> Page:
    """Those that match among the `look` newest calls that the driver gives. The last of them is read too, to go on
    from."""
    newest = (calls.c.started.desc(), calls.c.id.desc())
    given = select(calls).where(driver, *_span(wanted)).order_by(*newest).limit(look).subquery()
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


def _span(wanted: Filter) -> list[ColumnElement[bool]]:
    """The conditions on time, which every driver's index holds."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        conditions.append(calls.c.started >= wanted.since)
    if wanted.until is not None:
        conditions.append(calls.c.started < wanted.until)
    if wanted.after is not None:
        at = wanted.after.started
        conditions += [calls.c.started <= at, or_(calls.c.started < at, calls.c.id < wanted.after.id)]
    return conditions


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
    return and_(true(), *conditions)


def _drivers(wanted: Filter) -> list[ColumnElement[bool]]:
    """For each filter that an index serves, what its index holds. Those on some of the calls only are used where their
    own condition is in the query word by word."""
    found = [calls.c[name] == getattr(wanted, name) for name in NAMED if getattr(wanted, name) is not None]
    if wanted.status is not None and wanted.status >= 400:
        found.append(and_(calls.c.status == wanted.status, calls.c.status >= literal_column("400")))
    if wanted.errors_only or (wanted.status_class or 0) >= 4:
        found.append(calls.c.error.is_not(None))
    if (wanted.min_total_us or 0) >= SLOW_US:
        found.append(calls.c.total_us >= literal_column(str(SLOW_US)))
    if (wanted.min_cost or 0) >= DEAR:
        found.append(calls.c.cost >= literal_column(str(DEAR)))
    return found


def _sparsest(connection: Connection, wanted: Filter) -> ColumnElement[bool]:
    """The driver whose newest calls reach furthest back; where there are fewer than that, all of them are looked at."""
    drivers = _drivers(wanted)
    if len(drivers) < 2:
        return drivers[0] if drivers else true()
    reaches: list[int] = []
    for driver in drivers:
        query = select(calls.c.started).where(driver, *_span(wanted)).order_by(calls.c.started.desc())
        reaches.append(connection.execute(query.offset(SPARSE).limit(1)).scalar() or 0)
    return drivers[reaches.index(min(reaches))]
