"""How records of calls come into the database: with how far their segment has come, and what they add to the spend."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain

import msgspec
from sqlalchemy import Connection, Dialect, String, delete, insert, select, update

from gateway.record import CallRecord
from gateway.store import spend
from gateway.store.tables import calls, shipped
from gateway.types import Json

ROWS = 100
"""Records in one statement, where there are as many."""
FOREIGN = {
    column.name: column.type.length
    for column in (calls.c.asked, calls.c.client_request_id, calls.c.error, calls.c.finish, calls.c.served)
    if isinstance(column.type, String)
}
"""Columns whose text comes from clients and upstreams, and how many characters they hold (None: any)."""


def ship(connection: Connection, segment: str, offset: int, records: Sequence[CallRecord]) -> None:
    """Records of a segment and how far into it they reach, in the caller's one transaction: nothing is ever doubled."""
    if records:
        _insert(connection, records)
        spend.add(connection, records)
    known = connection.execute(update(shipped).where(shipped.c.segment == segment).values(offset=offset))
    if known.rowcount == 0:
        connection.execute(insert(shipped).values(segment=segment, offset=offset))


def _insert(connection: Connection, records: Sequence[CallRecord]) -> None:
    """By the driver itself: SQLAlchemy's way over a list costs more than the insert. SQLite's driver lets go of the
    interpreter and takes it back for every statement, which the event loop pays for too: many rows go in one."""
    statement, positional = _statement(connection.dialect)
    if not positional:
        connection.exec_driver_sql(statement, [_row(record) for record in records])
        return
    into, _, one = statement.partition(" VALUES ")
    many = f"{into} VALUES {', '.join([one] * ROWS)}"
    rows = [msgspec.structs.astuple(record) for record in records]
    whole = len(rows) - len(rows) % ROWS
    for at in range(0, whole, ROWS):
        connection.exec_driver_sql(many, tuple(chain.from_iterable(rows[at : at + ROWS])))
    if whole < len(rows):
        connection.exec_driver_sql(statement, rows[whole:])


@cache
def _statement(dialect: Dialect) -> tuple[str, bool]:
    """The insert of one row, and whether its values go by position."""
    compiled = insert(calls).compile(dialect=dialect)
    return str(compiled), compiled.positional


def _row(record: CallRecord) -> Json:
    """A record as columns hold it. One that the database refuses would hold up all that come after it: PostgreSQL takes
    no text longer than its column, and no NUL."""
    row = msgspec.structs.asdict(record)
    for name, width in FOREIGN.items():
        if row[name] is not None:
            row[name] = row[name][:width].replace("\0", "\ufffd")
    return row


def offset_of(connection: Connection, segment: str) -> int:
    found = connection.execute(select(shipped.c.offset).where(shipped.c.segment == segment)).scalar_one_or_none()
    return found or 0


def forget(connection: Connection, segment: str) -> None:
    """The segment's file is gone."""
    connection.execute(delete(shipped).where(shipped.c.segment == segment))
