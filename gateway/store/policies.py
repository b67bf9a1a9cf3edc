"""Queries on guard policies, which are kept by their digest and never change, and on what they were declared as."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from gateway.store.tables.serving import policies, policy_names
from gateway.types import Json


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """`names` are those it was declared as, the newest first, and `current` those of them that mean it now; `created`
    is Unix time."""

    digest: str
    body: Json
    created: float
    author: str
    names: tuple[str, ...]
    current: tuple[str, ...]


def add(connection: Connection, digest: str, body: Json, author: str, name: str | None = None) -> bool:
    """Keep a policy, and from now on under this name. False where it is there already."""
    found = connection.execute(select(policies.c.digest).where(policies.c.digest == digest)).first()
    if found is None:
        connection.execute(insert(policies).values(digest=digest, body=body, created=time.time(), author=author))
    if name is not None and named(connection, name) != digest:
        _call(connection, digest, name)
    return found is None


def find(connection: Connection, digests: Collection[str]) -> dict[str, Json]:
    """The bodies of those there are of these, by digest."""
    rows = connection.execute(select(policies).where(policies.c.digest.in_(sorted(digests))))
    return {row.digest: row.body for row in rows}


def named(connection: Connection, name: str) -> str | None:
    """The digest of what was declared under this name last."""
    names = policy_names.c
    query = select(names.digest).where(names.name == name).order_by(names.at.desc(), names.digest).limit(1)
    digest: str | None = connection.execute(query).scalar()
    return digest


def beginning(connection: Connection, digest: str) -> list[str]:
    """The digests that begin so, two at most."""
    query = select(policies.c.digest).where(policies.c.digest.startswith(digest, autoescape=True))
    return list(connection.execute(query.order_by(policies.c.digest).limit(2)).scalars())


def get(connection: Connection, digest: str) -> PolicyRow | None:
    row = connection.execute(select(policies).where(policies.c.digest == digest)).first()
    return _rows(connection, [row])[0] if row is not None else None


def list_all(connection: Connection, limit: int) -> list[PolicyRow]:
    """Newest first."""
    query = select(policies).order_by(policies.c.created.desc(), policies.c.digest).limit(limit)
    return _rows(connection, connection.execute(query).all())


def _call(connection: Connection, digest: str, name: str) -> None:
    held = (policy_names.c.name == name) & (policy_names.c.digest == digest)
    if not connection.execute(update(policy_names).where(held).values(at=time.time())).rowcount:
        connection.execute(insert(policy_names).values(name=name, digest=digest, at=time.time()))


def _rows(connection: Connection, found: Sequence[Row[Any]]) -> list[PolicyRow]:
    digests = [row.digest for row in found]
    query = select(policy_names).where(policy_names.c.digest.in_(digests)).order_by(policy_names.c.at.desc())
    names: dict[str, list[str]] = {}
    for row in connection.execute(query):
        names.setdefault(row.digest, []).append(row.name)
    meant = {name: named(connection, name) for held in names.values() for name in held}
    return [
        PolicyRow(
            row.digest,
            row.body,
            row.created,
            row.author,
            tuple(names.get(row.digest, ())),
            tuple(name for name in names.get(row.digest, ()) if meant[name] == row.digest),
        )
        for row in found
    ]
