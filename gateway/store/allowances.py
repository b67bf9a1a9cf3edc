"""Queries on allowances: what keys, projects, teams and endpoints may use at most."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Row, delete, insert, select, update

from gateway.allowances import Scope
from gateway.amounts import Allowance
from gateway.errors import NotFound
from gateway.store.catalogue import move_revision
from gateway.store.tables.access import allowances, keys, projects, teams
from gateway.store.tables.serving import endpoints

NAMES = {"key": keys.c.id, "project": projects.c.name, "team": teams.c.name, "endpoint": endpoints.c.name}
"""Where the names of each kind of scope stand."""


@dataclass(frozen=True, slots=True)
class AllowanceRow:
    """An allowance, and who set it when (Unix time)."""

    allowance: Allowance
    updated: float
    updated_by: str


def put(connection: Connection, allowance: Allowance, by: str) -> bool:
    """Set an allowance in place of the one its scope had. False where that is the same. Raises `NotFound` where what
    the scope names does not exist."""
    move_revision(connection)  # first, so that nobody deletes what the scope names meanwhile
    scope = Scope.parse(allowance.scope)
    names = NAMES[scope.kind]
    if connection.execute(select(names).where(names == scope.name)).first() is None:
        raise NotFound(f"There is no {scope.kind} {scope.name[:80]!r}.", param="scope")
    theirs = allowances.c.scope == allowance.scope
    before = connection.execute(select(allowances).where(theirs)).first()
    if before is not None and _row(before).allowance == allowance:
        return False
    values = {**asdict(allowance), "updated": time.time(), "updated_by": by}
    write = insert(allowances) if before is None else update(allowances).where(theirs)
    connection.execute(write.values(**values))
    return True


def get(connection: Connection, scope: str) -> AllowanceRow:
    """Raises `NotFound` where the scope has none."""
    row = connection.execute(select(allowances).where(allowances.c.scope == scope)).first()
    if row is None:
        raise NotFound(f"No limits are set for {scope[:120]!r}.", param="scope")
    return _row(row)


def list_all(connection: Connection) -> list[AllowanceRow]:
    return [_row(row) for row in connection.execute(select(allowances).order_by(allowances.c.scope))]


def remove(connection: Connection, scope: str) -> AllowanceRow:
    """Gives what it was. Raises `NotFound` where the scope has none."""
    move_revision(connection)
    row = get(connection, scope)
    connection.execute(delete(allowances).where(allowances.c.scope == scope))
    return row


def _row(row: Row[tuple[object, ...]]) -> AllowanceRow:
    held = dict(row._mapping)
    updated, by = held.pop("updated"), held.pop("updated_by")
    return AllowanceRow(Allowance(**held), updated, by)
