"""Queries on keys."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, Row, insert, or_, select, update

from gateway.store.catalogue import move_revision
from gateway.store.tables import keys


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it is kept. `digest` is hexadecimal; times are Unix times; `endpoints` and `upstreams` of None: all."""

    id: str
    name: str
    digest: str
    hint: str
    roles: frozenset[str]
    endpoints: frozenset[str] | None
    upstreams: frozenset[str] | None
    created: float
    expires: float | None
    revoked: float | None


def add(connection: Connection, row: KeyRow) -> None:
    connection.execute(
        insert(keys).values(
            id=row.id,
            name=row.name,
            digest=row.digest,
            hint=row.hint,
            roles=sorted(row.roles),
            endpoints=None if row.endpoints is None else sorted(row.endpoints),
            upstreams=None if row.upstreams is None else sorted(row.upstreams),
            created=row.created,
            expires=row.expires,
            revoked=row.revoked,
        )
    )
    move_revision(connection)


def list_all(connection: Connection) -> list[KeyRow]:
    """Every key there was, oldest first."""
    return [_row(row) for row in connection.execute(select(keys).order_by(keys.c.created, keys.c.id))]


def find_active(connection: Connection) -> list[KeyRow]:
    """Keys that are neither revoked nor expired."""
    alive = or_(keys.c.expires.is_(None), keys.c.expires > time.time())
    return [_row(row) for row in connection.execute(select(keys).where(keys.c.revoked.is_(None), alive))]


def revoke(connection: Connection, key_id: str, at: float) -> bool:
    """False where there is no such key in force."""
    done = connection.execute(update(keys).where(keys.c.id == key_id, keys.c.revoked.is_(None)).values(revoked=at))
    move_revision(connection)
    return done.rowcount == 1


def _row(row: Row[tuple[object, ...]]) -> KeyRow:
    held = row._mapping
    return KeyRow(
        **{
            **held,
            "roles": frozenset(held["roles"]),
            "endpoints": None if held["endpoints"] is None else frozenset(held["endpoints"]),
            "upstreams": None if held["upstreams"] is None else frozenset(held["upstreams"]),
        }
    )
