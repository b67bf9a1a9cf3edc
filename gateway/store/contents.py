"""Queries on contents: what was said in a call, where that is captured."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, insert, select

from gateway.store import calls
from gateway.store.tables.calls import contents
from gateway.types import Json


class Content(msgspec.Struct, array_like=True, frozen=True):
    """`request` and `answer` are JSON texts without what was taken out; None where they were too large to be looked
    through. `redacted` says how often each kind was taken out; `truncated` that a text was cut, or left out."""

    id: str
    """The call's."""
    started: int
    """Unix time in nanoseconds."""
    request: str | None
    answer: str | None
    redacted: dict[str, int]
    truncated: bool


def ship(connection: Connection, segment: str, offset: int, found: Sequence[Content]) -> None:
    """Contents of a segment and how far into it they reach, in the caller's one transaction."""
    if found:
        connection.execute(insert(contents), [_row(content) for content in found])
    calls.ship(connection, segment, offset, ())


def _row(content: Content) -> Json:
    """PostgreSQL holds no NUL."""
    row = msgspec.structs.asdict(content)
    for name in ("request", "answer"):
        row[name] = row[name].replace("\0", "\ufffd") if row[name] is not None else None
    return row


def get(connection: Connection, call_id: str) -> Content | None:
    row = connection.execute(select(contents).where(contents.c.id == call_id)).first()
    return Content(**row._mapping) if row is not None else None
