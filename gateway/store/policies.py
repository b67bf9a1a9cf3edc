"""Queries on guard policies, which are kept by their digest and never change."""

from __future__ import annotations

import time
from collections.abc import Collection

from sqlalchemy import Connection, insert, select

from gateway.store.tables.serving import policies
from gateway.types import Json


def add(connection: Connection, digest: str, body: Json, author: str) -> bool:
    """False where it is there already."""
    if connection.execute(select(policies.c.digest).where(policies.c.digest == digest)).first() is not None:
        return False
    connection.execute(insert(policies).values(digest=digest, body=body, created=time.time(), author=author))
    return True


def find(connection: Connection, digests: Collection[str]) -> dict[str, Json]:
    """The bodies of those there are of these, by digest."""
    rows = connection.execute(select(policies).where(policies.c.digest.in_(sorted(digests))))
    return {row.digest: row.body for row in rows}
