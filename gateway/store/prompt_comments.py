"""Queries on what people say of versions of prompts."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from gateway.store.tables.prompts import prompt_comments


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    number: int
    at: float
    by: str
    body: str


def add(connection: Connection, prompt: str, number: int, by: str, body: str) -> Comment:
    at = time.time()
    made = connection.execute(insert(prompt_comments).values(prompt=prompt, number=number, at=at, by=by, body=body))
    assert made.inserted_primary_key is not None
    return Comment(made.inserted_primary_key[0], number, at, by, body)


def of_prompt(connection: Connection, prompt: str) -> list[Comment]:
    """Oldest first."""
    query = select(prompt_comments).where(prompt_comments.c.prompt == prompt).order_by(prompt_comments.c.id)
    return [Comment(row.id, row.number, row.at, row.by, row.body) for row in connection.execute(query)]
