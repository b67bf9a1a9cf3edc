"""Queries on prompts, releases and endpoints: what a snapshot is made of."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from gateway.store.migrations import began
from gateway.store.tables.prompts import prompts
from gateway.store.tables.serving import endpoint_history, endpoints, releases
from gateway.store.tables.serving import revision as revisions
from gateway.types import Json, PromptVersion, Release


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """`release` is the digest of the live release; `created`, when the name first went live, and `updated` are Unix
    times; `cache_ttl` is in seconds, None where replies are not to be kept."""

    name: str
    description: str | None
    release: str
    created: float
    updated: float
    cache_ttl: float | None


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


def load(connection: Connection) -> Catalogue:
    """Everything, as of one moment. The revision stays locked until the transaction ends, so that PostgreSQL, too, lets
    nobody write between what is read here, nor before what its reader then writes."""
    number = connection.execute(select(revisions.c.number).with_for_update()).scalar_one()
    versions = {
        (row.name, row.number): PromptVersion(row.name, row.number, row.digest, tuple(row.messages), row.variables)
        for row in connection.execute(select(prompts).order_by(prompts.c.name, prompts.c.number))
    }
    found = {
        row.digest: Release(
            digest=row.digest,
            prompt=versions[(row.prompt_name, row.prompt_number)] if row.prompt_name is not None else None,
            upstream=row.upstream,
            parameters=row.parameters,
            tools=tuple(row.tools),
            response_format=row.response_format,
            policy=row.policy,
        )
        for row in connection.execute(select(releases))
    }
    return Catalogue(number, began(connection), tuple(versions.values()), found, _live(connection))


def _live(connection: Connection) -> list[EndpointRow]:
    first = select(endpoint_history.c.endpoint, func.min(endpoint_history.c.at).label("created"))
    history = first.group_by(endpoint_history.c.endpoint).subquery()
    rows = connection.execute(
        select(endpoints, history.c.created)
        .join(history, history.c.endpoint == endpoints.c.name)
        .order_by(endpoints.c.name)
    )
    return [
        EndpointRow(row.name, row.description, row.release, row.created, row.updated, row.cache_ttl) for row in rows
    ]


def add_prompt(
    connection: Connection, name: str, messages: Sequence[Json], variables: Json, digest: str, author: str
) -> PromptVersion:
    """The next version of a prompt, or the one that has this digest already."""
    same = connection.execute(
        select(prompts.c.number).where(prompts.c.name == name, prompts.c.digest == digest)
    ).scalar_one_or_none()
    if same is not None:
        return PromptVersion(name, same, digest, tuple(messages), variables)
    last = connection.execute(select(func.max(prompts.c.number)).where(prompts.c.name == name)).scalar_one()
    version = PromptVersion(name, (last or 0) + 1, digest, tuple(messages), variables)
    connection.execute(
        insert(prompts).values(
            name=name,
            number=version.number,
            digest=digest,
            messages=list(messages),
            variables=variables,
            created=time.time(),
            author=author,
        )
    )
    move_revision(connection)
    return version


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


def set_live(
    connection: Connection,
    endpoint: str,
    release: str,
    by: str,
    reason: str,
    description: str | None = None,
    cache_ttl: float | None = None,
) -> None:
    """Point an endpoint, new or known, at a release, and remember who did it and why."""
    now = time.time()
    values = {
        "release": release,
        "updated": now,
        "updated_by": by,
        "description": description,
        "cache_ttl": cache_ttl,
    }
    known = connection.execute(update(endpoints).where(endpoints.c.name == endpoint).values(**values))
    if known.rowcount == 0:
        connection.execute(insert(endpoints).values(name=endpoint, **values))
    connection.execute(
        insert(endpoint_history).values(endpoint=endpoint, release=release, at=now, by=by, reason=reason)
    )
    move_revision(connection)
