"""Queries on labels: which version each points at, what it pointed at before, and which of them are protected."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from gateway.store.tables.prompts import prompt_label_history, prompt_labels, protected_labels


@dataclass(frozen=True, slots=True)
class Move:
    """A label that was set, moved or removed. `before` and `after` are the versions it pointed at, None where it did
    not exist."""

    label: str
    before: int | None
    after: int | None
    at: float
    by: str
    reason: str
    evidence: Sequence[str]


@dataclass(frozen=True, slots=True)
class Protected:
    label: str
    by: str
    at: float


def get(connection: Connection, prompt: str, label: str) -> int | None:
    query = select(prompt_labels.c.number).where(prompt_labels.c.prompt == prompt, prompt_labels.c.label == label)
    return connection.execute(query).scalar_one_or_none()


def labels_of(connection: Connection, prompt: str) -> dict[str, int]:
    """By label."""
    return labels_of_all(connection, [prompt]).get(prompt, {})


def labels_of_all(connection: Connection, names: Collection[str]) -> dict[str, dict[str, int]]:
    """By prompt, then by label; those without any are left out."""
    query = select(prompt_labels).where(prompt_labels.c.prompt.in_(names)).order_by(prompt_labels.c.label)
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.prompt, {})[row.label] = row.number
    return found


def record(connection: Connection, prompt: str, move: Move) -> None:
    """Point a label where it moves to, and remember the move."""
    here = (prompt_labels.c.prompt == prompt) & (prompt_labels.c.label == move.label)
    connection.execute(delete(prompt_labels).where(here))
    if move.after is not None:
        connection.execute(insert(prompt_labels).values(prompt=prompt, label=move.label, number=move.after))
    connection.execute(
        insert(prompt_label_history).values(
            prompt=prompt,
            label=move.label,
            before=move.before,
            after=move.after,
            at=move.at,
            by=move.by,
            reason=move.reason,
            evidence=list(move.evidence),
        )
    )


def history(connection: Connection, prompt: str) -> list[Move]:
    """Of all labels of a prompt, newest first."""
    query = select(prompt_label_history).where(prompt_label_history.c.prompt == prompt)
    return [
        Move(row.label, row.before, row.after, row.at, row.by, row.reason, tuple(row.evidence or ()))
        for row in connection.execute(query.order_by(prompt_label_history.c.id.desc()))
    ]


def protected(connection: Connection) -> list[Protected]:
    """Those that were declared so; `production` is anyway."""
    query = select(protected_labels).order_by(protected_labels.c.label)
    return [Protected(row.label, row.by, row.at) for row in connection.execute(query)]


def protect(connection: Connection, label: str, by: str) -> None:
    unprotect(connection, label)
    connection.execute(insert(protected_labels).values(label=label, by=by, at=time.time()))


def unprotect(connection: Connection, label: str) -> bool:
    """False where it was not declared."""
    gone = connection.execute(delete(protected_labels).where(protected_labels.c.label == label))
    return gone.rowcount > 0
