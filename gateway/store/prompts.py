"""Queries on prompts: their versions, branches and aliases."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_, update

from gateway.store.tables.prompts import prompt_aliases, prompt_branches, prompts
from gateway.types import PromptVersion

MAIN = "main"

Key = tuple[str, int]
"""Name and number."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A version as a list shows it, without what it is made of."""

    number: int
    digest: str
    branch: str
    parent: int | None
    merged: int | None
    message: str
    author: str
    created: float


@dataclass(frozen=True, slots=True)
class Branch:
    """`base` is the version it was forked from, `head` the one it is at; `closed` is when it was merged."""

    name: str
    base: int
    head: int
    created: float
    created_by: str
    closed: float | None


def find(connection: Connection, wanted: Iterable[Key]) -> dict[Key, PromptVersion]:
    """Those there are of these, with what they include."""
    rows: dict[Key, Row[Any]] = {}
    missing = set(wanted)
    while missing:
        query = select(prompts).where(tuple_(prompts.c.name, prompts.c.number).in_(sorted(missing)))
        found = {(row.name, row.number): row for row in connection.execute(query)}
        rows |= found
        missing = {pin for row in found.values() for pin in (row.partials or {}).items()} - rows.keys()
    return _assembled(rows, _aliases(connection, {name for name, _ in rows}))


def list_all(connection: Connection) -> list[PromptVersion]:
    """By name and number."""
    rows = {(row.name, row.number): row for row in connection.execute(select(prompts))}
    versions = _assembled(rows, _aliases(connection, None))
    return [versions[key] for key in sorted(versions)]


def entries(connection: Connection, name: str) -> list[Entry]:
    """The versions of a prompt, newest first."""
    columns = [prompts.c[field] for field in Entry.__dataclass_fields__]
    query = select(*columns).where(prompts.c.name == name).order_by(prompts.c.number.desc())
    return [Entry(*row) for row in connection.execute(query)]


def number_of(connection: Connection, name: str, digest: str) -> int | None:
    """The version of this content, if there is one."""
    query = select(prompts.c.number).where(prompts.c.name == name, prompts.c.digest == digest)
    return connection.execute(query).scalar_one_or_none()


def last_number(connection: Connection, name: str) -> int:
    """0 where there is no such prompt."""
    return connection.execute(select(func.max(prompts.c.number)).where(prompts.c.name == name)).scalar_one() or 0


def add(connection: Connection, version: PromptVersion) -> None:
    connection.execute(
        insert(prompts).values(
            name=version.name,
            number=version.number,
            digest=version.digest,
            messages=list(version.messages),
            variables=version.variables,
            parameters=version.parameters,
            tools=list(version.tools),
            response_format=version.response_format,
            partials={name: partial.number for name, partial in version.partials.items()},
            branch=version.branch,
            parent=version.parent,
            merged=version.merged,
            message=version.message,
            author=version.author,
            created=version.created,
        )
    )


def branch(connection: Connection, name: str, branch_name: str) -> Branch | None:
    """One of a prompt's branches, closed ones too."""
    query = select(prompt_branches).where(prompt_branches.c.prompt == name, prompt_branches.c.branch == branch_name)
    row = connection.execute(query).first()
    if row is not None:
        return _branch(row)
    return _first_main(connection, name) if branch_name == MAIN else None


def branches(connection: Connection, name: str) -> list[Branch]:
    """`main` first, the others by when they were forked."""
    query = select(prompt_branches).where(prompt_branches.c.prompt == name).order_by(prompt_branches.c.created)
    found = [_branch(row) for row in connection.execute(query)]
    main = next((one for one in found if one.name == MAIN), None) or _first_main(connection, name)
    return ([main] if main is not None else []) + [one for one in found if one.name != MAIN]


def put_branch(connection: Connection, name: str, new: Branch) -> None:
    """In place of one of the same name."""
    connection.execute(delete(prompt_branches).where(_is(name, new.name)))
    connection.execute(
        insert(prompt_branches).values(
            prompt=name,
            branch=new.name,
            base=new.base,
            head=new.head,
            created=new.created,
            created_by=new.created_by,
            closed=new.closed,
        )
    )


def set_head(connection: Connection, name: str, branch_name: str, number: int, by: str) -> None:
    moved = connection.execute(update(prompt_branches).where(_is(name, branch_name)).values(head=number))
    if moved.rowcount == 0:
        put_branch(connection, name, Branch(branch_name, 1, number, time.time(), by, None))


def close_branch(connection: Connection, name: str, branch_name: str) -> None:
    connection.execute(update(prompt_branches).where(_is(name, branch_name)).values(closed=time.time()))


def alias_of(connection: Connection, alias: str) -> str | None:
    """The name of the prompt that has this alias."""
    query = select(prompt_aliases.c.prompt).where(prompt_aliases.c.alias == alias)
    return connection.execute(query).scalar_one_or_none()


def put_alias(connection: Connection, alias: str, name: str) -> None:
    """In place of what it named before."""
    connection.execute(delete(prompt_aliases).where(prompt_aliases.c.alias == alias))
    connection.execute(insert(prompt_aliases).values(alias=alias, prompt=name))


def _is(name: str, branch_name: str) -> Any:
    return (prompt_branches.c.prompt == name) & (prompt_branches.c.branch == branch_name)


def _branch(row: Row[Any]) -> Branch:
    return Branch(row.branch, row.base, row.head, row.created, row.created_by, row.closed)


def _first_main(connection: Connection, name: str) -> Branch | None:
    """`main` of a prompt from before branches."""
    found = [entry for entry in entries(connection, name) if entry.branch == MAIN]
    if not found:
        return None
    first = found[-1]
    return Branch(MAIN, first.number, found[0].number, first.created, first.author, None)


def _aliases(connection: Connection, names: set[str] | None) -> dict[str, list[str]]:
    """By the name of the prompt; of all where `names` is None."""
    query = select(prompt_aliases).order_by(prompt_aliases.c.alias)
    if names is not None:
        query = query.where(prompt_aliases.c.prompt.in_(sorted(names)))
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.prompt, []).append(row.alias)
    return found


def _assembled(rows: Mapping[Key, Row[Any]], aliases: Mapping[str, Sequence[str]]) -> dict[Key, PromptVersion]:
    made: dict[Key, PromptVersion] = {}

    def version(key: Key) -> PromptVersion:
        if key not in made:
            row = rows[key]
            made[key] = PromptVersion(
                name=row.name,
                number=row.number,
                digest=row.digest,
                messages=tuple(row.messages),
                variables=row.variables,
                parameters=row.parameters or {},
                tools=tuple(row.tools or ()),
                response_format=row.response_format,
                partials={name: version((name, number)) for name, number in (row.partials or {}).items()},
                branch=row.branch,
                parent=row.parent,
                merged=row.merged,
                message=row.message,
                author=row.author,
                created=row.created,
                aliases=tuple(aliases.get(row.name, ())),
            )
        return made[key]

    for key in rows:
        version(key)
    return made
