"""Queries on the audit log. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, text

from gateway.store.tables.evidence import audit
from gateway.types import Json

LOCK = 7_305_883_113
"""PostgreSQL advisory lock, held to the end of the transaction that adds. SQLite has one writer anyway."""

GATE_IN_FORCE = "gate.in_force"
"""The act that says which gate an endpoint has from now on, on the object `endpoint:NAME`; `detail.gate` is null where
it has none any more."""

OF_GATES = text(f"action = '{GATE_IN_FORCE}'")
"""Word for word as the index has it: a database does not see that a bound value is the one that an index is of."""

FIELDS = ("seq", "at", "actor", "key_id", "action", "object", "reason", "detail", "previous", "hash", "signature")


class Head(NamedTuple):
    """The last entry."""

    seq: int
    hash: str


def lock(connection: Connection) -> Head | None:
    """Be the only one who adds until this transaction ends; gives the last entry."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    return last(connection)


def last(connection: Connection) -> Head | None:
    row = connection.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    return Head(row.seq, row.hash) if row is not None else None


def add(connection: Connection, entry: Json) -> None:
    connection.execute(insert(audit).values(**entry))


def walk(connection: Connection) -> Iterator[Json]:
    """The whole log, oldest first, a piece at a time."""
    last_seen = 0
    while rows := after(connection, last_seen):
        yield from rows
        last_seen = rows[-1]["seq"]


def find(
    connection: Connection,
    actor: str | None = None,
    action: str | None = None,
    of: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Json]:
    """Newest first. `action` may be the beginning of one, as `keys.`."""
    query = select(*(audit.c[name] for name in FIELDS)).order_by(audit.c.seq.desc()).limit(limit)
    if actor is not None:
        query = query.where(audit.c.actor == actor)
    if action is not None:
        query = query.where(audit.c.action.startswith(action, autoescape=True))
    if of is not None:
        query = query.where(audit.c.object == of)
    if before is not None:
        query = query.where(audit.c.seq < before)
    return [dict(zip(FIELDS, row, strict=True)) for row in connection.execute(query)]


def gates(connection: Connection) -> dict[str, Json]:
    """By endpoint, the entry that says which gate is in force."""
    newest = select(func.max(audit.c.seq)).where(OF_GATES).group_by(audit.c.object)
    query = select(*(audit.c[name] for name in FIELDS)).where(audit.c.seq.in_(newest))
    rows = [dict(zip(FIELDS, row, strict=True)) for row in connection.execute(query)]
    return {row["object"].removeprefix("endpoint:"): row for row in rows}


def after(connection: Connection, seq: int) -> list[Json]:
    """The next thousand, oldest first."""
    query = select(*(audit.c[name] for name in FIELDS)).where(audit.c.seq > seq).order_by(audit.c.seq).limit(1000)
    return [dict(zip(FIELDS, row, strict=True)) for row in connection.execute(query)]
