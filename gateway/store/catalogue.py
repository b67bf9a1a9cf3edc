"""Queries on releases and endpoints: what a snapshot is made of."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from gateway.store import prompts
from gateway.store.migrations import began
from gateway.store.tables.serving import endpoint_history, endpoints, releases, warrants
from gateway.store.tables.serving import revision as revisions
from gateway.types import Json, PromptVersion, Release


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """`release` is the digest of the live release, None while a protected endpoint has none; `created`, when the name
    came to be, and `updated` are Unix times; `cache_ttl` is in seconds, None where replies are not to be kept. `gate`
    is what protects it, None where nothing does."""

    name: str
    description: str | None
    release: str | None
    created: float
    updated: float
    cache_ttl: float | None
    gate: Json | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything declared, as of `revision`. `releases` is by digest; `began` is when this installation came to be."""

    revision: int
    began: float
    prompts: Sequence[PromptVersion]
    releases: Mapping[str, Release]
    endpoints: Sequence[EndpointRow]


def revision(connection: Connection) -> int:
    number: int = connection.execute(select(revisions.c.number)).scalar_one()
    return number


def move_revision(connection: Connection) -> None:
    """Tell every running process that something changed; called by every write that a snapshot can see."""
    connection.execute(update(revisions).values(number=revisions.c.number + 1))


def hold_revision(connection: Connection) -> int:
    """The revision, locked until the transaction ends: one writer at a time, on PostgreSQL too."""
    number: int = connection.execute(select(revisions.c.number).with_for_update()).scalar_one()
    return number


def load(connection: Connection) -> Catalogue:
    """Everything, as of one moment. The revision stays locked until the transaction ends, so that PostgreSQL, too, lets
    nobody write between what is read here, nor before what its reader then writes."""
    number = hold_revision(connection)
    versions = {(version.name, version.number): version for version in prompts.list_all(connection)}
    found = {row.digest: _release(row, versions) for row in connection.execute(select(releases))}
    return Catalogue(number, began(connection), tuple(versions.values()), found, list_endpoints(connection))


def find_release(connection: Connection, digest: str) -> Release | None:
    row = connection.execute(select(releases).where(releases.c.digest == digest)).first()
    return _release(row, _versions_of(connection, [row])) if row is not None else None


def find_releases(connection: Connection, digests: Collection[str]) -> dict[str, Release]:
    """Those there are of these, by digest."""
    rows = connection.execute(select(releases).where(releases.c.digest.in_(sorted(digests)))).all()
    versions = _versions_of(connection, rows)
    return {row.digest: _release(row, versions) for row in rows}


def _versions_of(connection: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[str, int], PromptVersion]:
    """The prompt versions that these releases are made of."""
    return prompts.find(
        connection, {(row.prompt_name, row.prompt_number) for row in rows if row.prompt_name is not None}
    )


def _release(row: Row[Any], versions: Mapping[tuple[str, int], PromptVersion]) -> Release:
    return Release(
        digest=row.digest,
        prompt=versions[(row.prompt_name, row.prompt_number)] if row.prompt_name is not None else None,
        upstream=row.upstream,
        parameters=row.parameters,
        tools=tuple(row.tools),
        response_format=row.response_format,
        policy=row.policy,
    )


def find_endpoint(connection: Connection, name: str) -> EndpointRow | None:
    return next(iter(_endpoints(connection, endpoints.c.name == name)), None)


def list_endpoints(connection: Connection) -> list[EndpointRow]:
    """By name."""
    return _endpoints(connection)


def _endpoints(connection: Connection, *which: ColumnElement[bool]) -> list[EndpointRow]:
    first = select(endpoint_history.c.endpoint, func.min(endpoint_history.c.at).label("created"))
    history = first.group_by(endpoint_history.c.endpoint).subquery()
    rows = connection.execute(
        select(endpoints, func.coalesce(history.c.created, endpoints.c.updated).label("created"))
        .outerjoin(history, history.c.endpoint == endpoints.c.name)
        .where(*which)
        .order_by(endpoints.c.name)
    )
    return [
        EndpointRow(row.name, row.description, row.release, row.created, row.updated, row.cache_ttl, row.gate)
        for row in rows
    ]


def add_release(connection: Connection, release: Release, author: str) -> bool:
    """False where this release is there already; a release never changes."""
    if connection.execute(select(releases.c.digest).where(releases.c.digest == release.digest)).first() is not None:
        return False
    connection.execute(
        insert(releases).values(
            digest=release.digest,
            prompt_name=release.prompt.name if release.prompt is not None else None,
            prompt_number=release.prompt.number if release.prompt is not None else None,
            upstream=release.upstream,
            parameters=release.parameters,
            tools=list(release.tools),
            response_format=release.response_format,
            policy=release.policy,
            created=time.time(),
            author=author,
        )
    )
    move_revision(connection)
    return True


def put_endpoint(
    connection: Connection, endpoint: str, by: str, description: str | None, cache_ttl: float | None, gate: Json | None
) -> None:
    """An endpoint, new or known, without what serves it."""
    values = {
        "updated": time.time(),
        "updated_by": by,
        "description": description,
        "cache_ttl": cache_ttl,
        "gate": gate,
    }
    known = connection.execute(update(endpoints).where(endpoints.c.name == endpoint).values(**values))
    if known.rowcount == 0:
        connection.execute(insert(endpoints).values(name=endpoint, **values))
    move_revision(connection)


def set_live(connection: Connection, endpoint: str, release: str, by: str, reason: str) -> None:
    """Point an endpoint at a release, and remember who did it and why. Only `gateway.releases.golive` calls this."""
    now = time.time()
    connection.execute(
        update(endpoints).where(endpoints.c.name == endpoint).values(release=release, updated=now, updated_by=by)
    )
    connection.execute(
        insert(endpoint_history).values(endpoint=endpoint, release=release, at=now, by=by, reason=reason)
    )
    move_revision(connection)


@dataclass(frozen=True, slots=True)
class Lived:
    """A time at which a release went live at an endpoint."""

    release: str
    at: float
    by: str
    reason: str


def lived(connection: Connection, endpoint: str, limit: int = 100) -> list[Lived]:
    """What was live at an endpoint, newest first."""
    rows = connection.execute(
        select(endpoint_history)
        .where(endpoint_history.c.endpoint == endpoint)
        .order_by(endpoint_history.c.id.desc())
        .limit(limit)
    )
    return [Lived(row.release, row.at, row.by, row.reason) for row in rows]


def put_warrant(connection: Connection, endpoint: str, release: str, body: str, signature: str) -> None:
    drop_warrant(connection, endpoint, release)
    connection.execute(insert(warrants).values(endpoint=endpoint, release=release, body=body, signature=signature))


def drop_warrant(connection: Connection, endpoint: str, release: str) -> None:
    connection.execute(delete(warrants).where(warrants.c.endpoint == endpoint, warrants.c.release == release))


def list_warrants(connection: Connection) -> dict[tuple[str, str], tuple[str, str]]:
    """Body and signature by endpoint and release."""
    rows = connection.execute(select(warrants))
    return {(row.endpoint, row.release): (row.body, row.signature) for row in rows}
