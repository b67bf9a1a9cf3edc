"""How the tables come to be, and change: an ordered list of small steps, and a table of those that were taken."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Column, Connection, Float, MetaData, String, Table, func, insert, select, text

from gateway.store import tables
from gateway.store.engine import Store

_own = MetaData()
applied = Table("migrations", _own, Column("name", String(100), primary_key=True), Column("at", Float, nullable=False))

LOCK = 7_305_883_112
"""PostgreSQL advisory lock: two processes that start at once take the steps one after the other."""


def first_tables(connection: Connection) -> None:
    tables.metadata.create_all(connection)
    connection.execute(insert(tables.revision).values(id=1, number=1))


STEPS: tuple[Callable[[Connection], None], ...] = (first_tables,)
"""Only ever added to."""


def migrate(store: Store) -> list[str]:
    """Take the steps that were not taken yet, in one transaction; gives their names. Safe to run in parallel."""
    with store.begin() as connection:
        if not store.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        _own.create_all(connection)
        done = set(connection.execute(select(applied.c.name)).scalars())
        taken = []
        for step in STEPS:
            if step.__name__ not in done:
                step(connection)
                connection.execute(insert(applied).values(name=step.__name__, at=time.time()))
                taken.append(step.__name__)
        return taken


def began(connection: Connection) -> float:
    """When this installation came to be: the Unix time of its first step."""
    first: float = connection.execute(select(func.min(applied.c.at))).scalar_one()
    return first
