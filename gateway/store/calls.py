"""How records of calls come into the database: with how far their segment has come, and what they add to the spend."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection, String, delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from gateway.record import CallRecord
from gateway.store import observations, spend
from gateway.store.tables.calls import calls, shipped

ROWS = 100
"""Records in one statement, where there are as many."""
FOREIGN = {
    position: column.type.length or sys.maxsize
    for position, column in enumerate(calls.columns)
    if column.name in ("asked", "client_request_id", "error", "finish", "served") and isinstance(column.type, String)
}
"""Positions of columns whose text comes from clients and upstreams, and how many characters they hold."""
Row = tuple[Any, ...]


def ship(connection: Connection, segment: str, offset: int, records: Sequence[CallRecord]) -> None:
    """Records of a segment and how far into it they reach, in the caller's one transaction: nothing is ever doubled."""
    if records:
        _insert(connection, records)
        spend.add(connection, records)
        observations.add(connection, records)
    known = connection.execute(update(shipped).where(shipped.c.segment == segment).values(offset=offset))
    if known.rowcount == 0:
        connection.execute(insert(shipped).values(segment=segment, offset=offset))


def _insert(connection: Connection, records: Sequence[CallRecord]) -> None:
    """By the driver itself: SQLAlchemy's way over a list costs several times as much."""
    rows = [msgspec.structs.astuple(record) for record in records]
    if connection.dialect.name == "sqlite":
        _insert_many(connection, rows)
    else:
        _copy(connection, rows)


def _insert_many(connection: Connection, rows: Sequence[Row]) -> None:
    """SQLite's driver lets go of the interpreter and takes it back for every statement, which the event loop pays for
    too: many rows go in one."""
    statement = str(insert(calls).compile(dialect=connection.dialect))
    into, _, one = statement.partition(" VALUES ")
    many = f"{into} VALUES {', '.join([one] * ROWS)}"
    whole = len(rows) - len(rows) % ROWS
    for at in range(0, whole, ROWS):
        connection.exec_driver_sql(many, tuple(chain.from_iterable(rows[at : at + ROWS])))
    if whole < len(rows):
        connection.exec_driver_sql(statement, list(rows[whole:]))


def _copy(connection: Connection, rows: Sequence[Row]) -> None:
    """PostgreSQL's own way for many rows: a tenth of the driver's work for inserts. What it raises is made
    SQLAlchemy's, as everywhere in the store."""
    statement = f"COPY calls ({', '.join(calls.columns.keys())}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    base: Any = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(_fitted(row))
    except base as error:
        raise DBAPIError.instance(statement, None, error, base, dialect=connection.dialect) from error


def _fitted(row: Row) -> Row:
    """One row that the database refuses would hold up all that come after it: PostgreSQL takes no text longer than its
    column, and no NUL."""
    for position, width in FOREIGN.items():
        text = row[position]
        if text is not None and (len(text) > width or "\0" in text):
            fits = text[:width].replace("\0", "\ufffd")
            row = (*row[:position], fits, *row[position + 1 :])
    return row


def offset_of(connection: Connection, segment: str) -> int:
    found = connection.execute(select(shipped.c.offset).where(shipped.c.segment == segment)).scalar_one_or_none()
    return found or 0


def forget(connection: Connection, segment: str) -> None:
    """The segment's file is gone."""
    connection.execute(delete(shipped).where(shipped.c.segment == segment))
