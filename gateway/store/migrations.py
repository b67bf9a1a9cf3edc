"""How the tables come to be, and change without a stop: expand, then contract.

Expanding is not written down anywhere: whatever `tables` declares and the database lacks (a table, a column, an index)
is added at every start, so a gateway of the version before goes on working beside this one. What cannot be added that
way, moving data and taking away what no version still reads, is an ordered list of small steps, and a table of those
that were taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Connection, Float, MetaData, String, Table, func, insert, inspect, select, text, update
from sqlalchemy.schema import CreateColumn

from gateway.store import spend
from gateway.store.engine import Store
from gateway.store.evidence import in_brief
from gateway.store.tables import access, calls, evals, evidence, prompts, rollouts, serving
from gateway.store.tables.base import metadata

_own = MetaData()
applied = Table("migrations", _own, Column("name", String(100), primary_key=True), Column("at", Float, nullable=False))

DECLARED = (access, calls, evals, evidence, prompts, rollouts, serving)
"""Modules of tables: what is imported is part of `metadata`."""
LOCK = 7_305_883_112
"""PostgreSQL advisory lock: two processes that start at once take the steps one after the other."""


def first_tables(connection: Connection) -> None:
    connection.execute(insert(serving.revision).values(id=1, number=1))


def spend_of_earlier_calls(connection: Connection) -> None:
    """Calls recorded before there were sums: what they took counts, for budgets too."""
    spend.rebuild(connection)


def drop_index_by_endpoint(connection: Connection) -> None:
    """The one by what was asked for serves endpoints too; an index nobody needs makes every call dearer."""
    connection.execute(text("DROP INDEX IF EXISTS calls_by_endpoint"))


def endpoints_before_their_first_release(connection: Connection) -> None:
    """A protected endpoint has no release until its first one is proven. SQLite cannot take a constraint away: the
    table is made anew."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("ALTER TABLE endpoints ALTER COLUMN release DROP NOT NULL"))
        return
    names = ", ".join(column.name for column in serving.endpoints.columns)
    connection.execute(text("ALTER TABLE endpoints RENAME TO endpoints_before"))
    serving.endpoints.create(connection)
    connection.execute(text(f"INSERT INTO endpoints ({names}) SELECT {names} FROM endpoints_before"))  # noqa: S608
    connection.execute(text("DROP TABLE endpoints_before"))


def operators_are_editors(connection: Connection) -> None:
    """The role has another name, beside those that take part in rollouts."""
    for row in connection.execute(select(access.keys.c.id, access.keys.c.roles)).all():
        if "operator" in row.roles:
            renamed = sorted("editor" if role == "operator" else role for role in row.roles)
            connection.execute(update(access.keys).where(access.keys.c.id == row.id).values(roles=renamed))


def evidence_of_a_dataset(connection: Connection) -> None:
    """What releases were judged on is counted: it is asked for by itself."""
    rows = evidence.evidence
    for found in connection.execute(select(rows.c.id).where(rows.c.dataset.is_(None))).scalars().all():
        body = connection.execute(select(rows.c.body).where(rows.c.id == found)).scalar_one()
        connection.execute(update(rows).where(rows.c.id == found).values(dataset=body.get("dataset")))


def evidence_in_brief(connection: Connection) -> None:
    """What a list shows stands by itself, and suites can be asked for."""
    rows = evidence.evidence
    for found in connection.execute(select(rows.c.id).where(rows.c.brief.is_(None))).scalars().all():
        body = connection.execute(select(rows.c.body).where(rows.c.id == found)).scalar_one()
        values = {"suite": body.get("suite"), "brief": in_brief(body)}
        connection.execute(update(rows).where(rows.c.id == found).values(values))


STEPS: tuple[Callable[[Connection], None], ...] = (
    first_tables,
    spend_of_earlier_calls,
    drop_index_by_endpoint,
    endpoints_before_their_first_release,
    operators_are_editors,
    evidence_of_a_dataset,
    evidence_in_brief,
)
"""Only ever added to. A step must leave what the version before it reads."""


def migrate(store: Store) -> list[str]:
    """Bring the tables up to date, in one transaction; gives the names of what was added and of the steps taken. Safe
    to run in parallel."""
    with store.begin() as connection:
        if not store.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        _own.create_all(connection)
        done = set(connection.execute(select(applied.c.name)).scalars())
        taken = expand(connection, metadata)
        for step in STEPS:
            if step.__name__ not in done:
                step(connection)
                connection.execute(insert(applied).values(name=step.__name__, at=time.time()))
                taken.append(step.__name__)
        return taken


def expand(connection: Connection, declared: MetaData) -> list[str]:
    """Add what is declared and not there; gives its names. A column added to a table with rows in it must be nullable
    or have a server default."""
    inspector = inspect(connection)
    present = set(inspector.get_table_names())
    added = []
    for table in declared.sorted_tables:
        if table.name not in present:
            table.create(connection)
            added.append(table.name)
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in columns:
                _add_column(connection, column)
                added.append(f"{table.name}.{column.name}")
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexes:
                index.create(connection)
                added.append(str(index.name))
    return added


def _add_column(connection: Connection, column: Column[Any]) -> None:
    format_name = connection.dialect.identifier_preparer.format_table
    definition = CreateColumn(column).compile(dialect=connection.dialect)
    connection.execute(text(f"ALTER TABLE {format_name(column.table)} ADD COLUMN {definition}"))


def began(connection: Connection) -> float:
    """When this installation came to be: the Unix time of its first step."""
    first: float = connection.execute(select(func.min(applied.c.at))).scalar_one()
    return first
