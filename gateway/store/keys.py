"""Queries on keys."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select, update

from gateway.errors import BadRequest
from gateway.store.catalogue import move_revision
from gateway.store.tables.access import key_secrets, keys, projects


@dataclass(frozen=True, slots=True)
class FormerSecret:
    """A secret that a newer one of the same key replaces; it opens until `expires`. Times are Unix times."""

    digest: str
    hint: str
    created: float
    expires: float


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it is kept. `digest`, hexadecimal, and `hint` are of its newest secret, which it has since `rotated`, or
    from the beginning where that is None; `former` are those before it that still open. Times are Unix times;
    `endpoints` and `upstreams` of None: all."""

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
    owner: str
    project: str | None
    rotated: float | None
    created_by: str | None = None
    """Who minted it, gave it its owner or rotated it last, and so may have its secret; None where nobody noted it."""
    makers: tuple[str, ...] = ()
    """Everybody who ever minted it, gave it its owner or rotated it, each once, the first one first: whoever made a key
    for somebody is no second person beside them. Nothing takes a name away again."""
    former: tuple[FormerSecret, ...] = ()


def add(connection: Connection, row: KeyRow) -> None:
    """Raises `BadRequest` where its project does not exist."""
    move_revision(connection)  # first, so that nobody deletes the project meanwhile
    _check_project(connection, row.project)
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
            owner=row.owner,
            project=row.project,
            rotated=row.rotated,
            created_by=row.created_by,
            makers=list(row.makers),
        )
    )


def list_all(connection: Connection) -> list[KeyRow]:
    """Every key there was, oldest first."""
    return _rows(connection)


def find(connection: Connection, key_id: str) -> KeyRow | None:
    """The key, in force or not."""
    return next(iter(_rows(connection, keys.c.id == key_id)), None)


def find_active(connection: Connection) -> list[KeyRow]:
    """Keys that are neither revoked nor expired, oldest first."""
    return _rows(connection, *in_force())


def assign(connection: Connection, key_id: str, owner: str | None, project: str | None, by: str) -> KeyRow | None:
    """Give a key another owner or another project; None leaves what it has. None where there is no such key in force.
    Raises `BadRequest` where the project does not exist. Whoever gives it another owner is noted."""
    move_revision(connection)  # first, so that nobody deletes the project meanwhile
    _check_project(connection, project)
    found = _rows(connection, keys.c.id == key_id, *in_force())
    if not found:
        return None
    maker = by if owner is not None else found[0].created_by
    makers = _with(found[0].makers, by) if owner is not None else found[0].makers
    row = replace(
        found[0],
        owner=owner or found[0].owner,
        project=project or found[0].project,
        created_by=maker,
        makers=makers,
    )
    values = {"owner": row.owner, "project": row.project, "created_by": maker, "makers": list(makers)}
    connection.execute(update(keys).where(keys.c.id == key_id).values(**values))
    return row


def rotate(connection: Connection, key_id: str, digest: str, hint: str, overlap: float, by: str) -> KeyRow | None:
    """Give a key another secret, and end all it had before in `overlap` seconds at the latest. None where there is no
    such key in force.

    The newest secret stands in `keys`, where the version before looks for it: that one knows no other."""
    move_revision(connection)  # first, so that two rotations at once follow each other
    found = _rows(connection, keys.c.id == key_id, *in_force())
    if not found:
        return None
    [before] = found
    now = time.time()
    theirs, end = key_secrets.c.key_id == key_id, key_secrets.c.expires
    connection.execute(delete(key_secrets).where(theirs, end <= now))
    connection.execute(update(key_secrets).where(theirs, end > now + overlap).values(expires=now + overlap))
    connection.execute(
        insert(key_secrets).values(
            digest=before.digest,
            key_id=key_id,
            hint=before.hint,
            created=before.rotated or before.created,
            expires=now + overlap,
        )
    )
    newest = {
        "digest": digest,
        "hint": hint,
        "rotated": now,
        "created_by": by,
        "makers": list(_with(before.makers, by)),
    }
    connection.execute(update(keys).where(keys.c.id == key_id).values(**newest))
    return _rows(connection, keys.c.id == key_id)[0]


def revoke(connection: Connection, key_id: str, at: float) -> bool:
    """End all secrets of a key. False where there is no such key in force."""
    move_revision(connection)
    done = connection.execute(update(keys).where(keys.c.id == key_id, keys.c.revoked.is_(None)).values(revoked=at))
    connection.execute(delete(key_secrets).where(key_secrets.c.key_id == key_id))
    return done.rowcount == 1


def in_force() -> tuple[ColumnElement[bool], ...]:
    """What holds for a key that is neither revoked nor expired."""
    return keys.c.revoked.is_(None), or_(keys.c.expires.is_(None), keys.c.expires > time.time())


def _with(makers: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*makers, name)))


def _check_project(connection: Connection, name: str | None) -> None:
    known = select(projects.c.name).where(projects.c.name == name)
    if name is not None and connection.execute(known).first() is None:
        raise BadRequest(f"There is no project {name[:80]!r}.", param="project", code="unknown_project")


def _rows(connection: Connection, *which: ColumnElement[bool]) -> list[KeyRow]:
    former: dict[str, list[FormerSecret]] = defaultdict(list)
    opening = select(key_secrets).where(key_secrets.c.expires > time.time()).order_by(key_secrets.c.created.desc())
    for row in connection.execute(opening):
        former[row.key_id].append(FormerSecret(row.digest, row.hint, row.created, row.expires))
    found = connection.execute(select(keys).where(*which).order_by(keys.c.created, keys.c.id))
    return [_row(row, tuple(former[row.id])) for row in found]


def _row(row: Row[Any], former: tuple[FormerSecret, ...]) -> KeyRow:
    held = row._mapping
    first = (held["created_by"],) if held["created_by"] is not None else ()
    return KeyRow(
        **{
            **held,
            "roles": frozenset(held["roles"]),
            "endpoints": None if held["endpoints"] is None else frozenset(held["endpoints"]),
            "upstreams": None if held["upstreams"] is None else frozenset(held["upstreams"]),
            "owner": held["owner"] or held["name"],
            "makers": tuple(held["makers"]) if held["makers"] is not None else first,
            "former": former,
        }
    )
