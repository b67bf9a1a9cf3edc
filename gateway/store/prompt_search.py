"""Looking through the prompts: by folder, text, label and author."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Text, cast, func, or_, select

from gateway.store import prompt_labels
from gateway.store.prompts import MAIN
from gateway.store.tables.prompts import prompt_branches, prompts
from gateway.store.tables.prompts import prompt_labels as labels


@dataclass(frozen=True, slots=True)
class Search:
    """Filters narrow together. `query` is looked for in names, and in the messages `main` is at, in small letters and
    capitals; `author` wrote one of its versions; `after` is the name that a page ended with."""

    folder: str | None = None
    query: str | None = None
    label: str | None = None
    author: str | None = None
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A prompt, with the version `main` is at."""

    name: str
    number: int
    digest: str
    versions: int
    message: str
    author: str
    created: float
    labels: dict[str, int]


def search(connection: Connection, wanted: Search) -> Sequence[Found]:
    """By name."""
    counted = select(
        prompts.c.name,
        func.max(prompts.c.number).filter(prompts.c.branch == MAIN).label("newest"),
        func.count().label("versions"),
    ).group_by(prompts.c.name)
    each = counted.subquery()
    main = (prompt_branches.c.prompt == each.c.name) & (prompt_branches.c.branch == MAIN)
    head = func.coalesce(prompt_branches.c.head, each.c.newest)
    query = (
        select(prompts, each.c.versions)
        .join(each, each.c.name == prompts.c.name)
        .outerjoin(prompt_branches, main)
        .where(prompts.c.number == head)
    )
    rows = connection.execute(_narrowed(query, wanted).order_by(prompts.c.name).limit(wanted.limit)).all()
    labelled = prompt_labels.labels_of_all(connection, [row.name for row in rows])
    return [
        Found(
            name=row.name,
            number=row.number,
            digest=row.digest,
            versions=row.versions,
            message=row.message,
            author=row.author,
            created=row.created,
            labels=labelled.get(row.name, {}),
        )
        for row in rows
    ]


def _narrowed(query: Select[Any], wanted: Search) -> Select[Any]:
    if wanted.folder is not None:
        query = query.where(prompts.c.name.startswith(wanted.folder.rstrip("/") + "/", autoescape=True))
    if wanted.after is not None:
        query = query.where(prompts.c.name > wanted.after)
    if wanted.query is not None:
        written = json.dumps(wanted.query)[1:-1]  # as the column holds it
        text = cast(prompts.c.messages, Text)
        named = prompts.c.name.icontains(wanted.query, autoescape=True)
        query = query.where(or_(named, text.icontains(written, autoescape=True)))
    if wanted.label is not None:
        labelled = select(labels.c.prompt).where(labels.c.label == wanted.label)
        query = query.where(prompts.c.name.in_(labelled))
    if wanted.author is not None:
        other = prompts.alias()
        written_by = select(other.c.name).where(other.c.author == wanted.author)
        query = query.where(prompts.c.name.in_(written_by))
    return query
