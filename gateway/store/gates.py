"""Queries on changes of gates that wait for a second person."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, insert, select, update

from gateway.store.tables.serving import gate_changes
from gateway.types import Json


@dataclass(frozen=True, slots=True)
class GateChange:
    """`gate` of None would end the protection. `state` is waiting, approved or refused; times are Unix times."""

    id: str
    endpoint: str
    gate: Json | None
    reason: str
    author: str
    author_key: str
    created: float
    state: str
    decided: float | None
    decided_by: str | None


def add(connection: Connection, change: GateChange) -> None:
    connection.execute(insert(gate_changes).values(**asdict(change)))


def find(connection: Connection, change_id: str) -> GateChange | None:
    row = connection.execute(select(gate_changes).where(gate_changes.c.id == change_id)).first()
    return GateChange(*row) if row is not None else None


def list_all(connection: Connection, state: str | None = None, limit: int = 100) -> list[GateChange]:
    """Newest first."""
    query = select(gate_changes).order_by(gate_changes.c.created.desc()).limit(limit)
    if state is not None:
        query = query.where(gate_changes.c.state == state)
    return [GateChange(*row) for row in connection.execute(query)]


def decide(connection: Connection, change_id: str, state: str, by: str) -> GateChange:
    changed = update(gate_changes).where(gate_changes.c.id == change_id)
    connection.execute(changed.values(state=state, decided=time.time(), decided_by=by))
    decided = find(connection, change_id)
    assert decided is not None
    return decided
