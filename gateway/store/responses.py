"""Queries on stored responses. A response is seen only by the key that made it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from gateway.store.tables.calls import responses
from gateway.types import Json

MAKING = "in_progress"
"""The status of one that is still being made."""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """`body` is the response object, `turn` the chat messages the next turn builds on, `call` the id of the call that
    made it; times are Unix times."""

    id: str
    key_id: str
    created: float
    status: str
    body: Json
    turn: list[Json]
    previous: str | None
    expires: float
    call: str | None = None


def put(connection: Connection, row: StoredResponse) -> None:
    """Keep a new one."""
    of = {name: getattr(row, name) for name in ("id", "key_id", "created", "previous", "call")}
    connection.execute(insert(responses).values(**of, **_outcome(row)))


def settle(connection: Connection, row: StoredResponse) -> None:
    """The outcome of one that was kept while it was being made. One that was settled or deleted since stays so."""
    making = (responses.c.id == row.id, responses.c.key_id == row.key_id, responses.c.status == MAKING)
    connection.execute(update(responses).where(*making).values(**_outcome(row)))


def _outcome(row: StoredResponse) -> Json:
    return {"status": row.status, "body": row.body, "turn": row.turn, "expires": row.expires}


def get(connection: Connection, response_id: str, key_id: str) -> StoredResponse | None:
    mine = (responses.c.id == response_id, responses.c.key_id == key_id, responses.c.expires > time.time())
    row = connection.execute(select(responses).where(*mine)).first()
    return StoredResponse(**row._mapping) if row is not None else None


def made_by(connection: Connection, response_id: str, key_id: str | None) -> str | None:
    """The id of the call that made a response; of this key, or of any where it is None."""
    mine = [responses.c.id == response_id, *([responses.c.key_id == key_id] if key_id is not None else [])]
    return connection.execute(select(responses.c.call).where(*mine)).scalar()


def remove(connection: Connection, response_id: str, key_id: str) -> None:
    connection.execute(delete(responses).where(responses.c.id == response_id, responses.c.key_id == key_id))
