"""How tables come to be: once, in order, whoever starts at the same time."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
    text,
    update,
)

from gateway.errors import Unavailable
from gateway.store import catalogue, evidence, migrations
from gateway.store.engine import Store
from gateway.store.evidence import EvidenceRow
from gateway.store.migrations import STEPS, began, expand, migrate
from gateway.store.tables.access import keys
from gateway.store.tables.base import metadata as metadata_table
from gateway.store.tables.evidence import evidence as evidence_table

NAMES = [step.__name__ for step in STEPS]


def later_step(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE later (id INTEGER)"))


def failing_step(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE half_way (id INTEGER)"))
    raise Unavailable("no room")


def table_names(store: Store) -> set[str]:
    with store.begin() as connection:
        return set(inspect(connection).get_table_names())


def test_every_step_is_taken_once(url: str) -> None:
    with closing(Store(url)) as store:
        assert sorted(migrate(store)) == sorted([*metadata_table.tables, *NAMES])
        assert migrate(store) == []
    with closing(Store(url)) as again:
        assert migrate(again) == []


def test_the_steps_make_the_tables_that_the_queries_name(store: Store) -> None:
    assert table_names(store) == {*metadata_table.tables, "migrations"}
    with store.begin() as connection:
        inspector = inspect(connection)
        for name, table in metadata_table.tables.items():
            assert {column["name"] for column in inspector.get_columns(name)} == set(table.columns.keys())
            assert {index["name"] for index in inspector.get_indexes(name)} >= {index.name for index in table.indexes}


def test_a_new_store_has_a_revision_and_a_beginning(store: Store) -> None:
    with store.begin() as connection:
        assert catalogue.revision(connection) == 1
        assert 0 < began(connection) <= time.time()


def test_a_step_added_later_is_taken_on_a_store_that_has_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.begin() as connection:
        catalogue.move_revision(connection)
        first = began(connection)
    monkeypatch.setattr(migrations, "STEPS", (*STEPS, later_step))
    assert migrate(store) == ["later_step"]
    assert migrate(store) == []
    assert "later" in table_names(store)
    with store.begin() as connection:
        assert catalogue.revision(connection) == 2
        assert began(connection) == first


def test_a_step_that_fails_leaves_nothing_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "STEPS", (*STEPS, later_step, failing_step))
    before = table_names(store)
    with pytest.raises(Unavailable, match="no room"):
        migrate(store)
    assert table_names(store) == before
    monkeypatch.setattr(migrations, "STEPS", (*STEPS, later_step))
    assert migrate(store) == ["later_step"]


def test_who_was_an_operator_is_an_editor(store: Store) -> None:
    roles: dict[str, list[str]] = {"ada": ["operator"], "bob": ["admin", "operator"], "eve": ["viewer"], "ci": []}
    with store.begin() as connection:
        for name, held in roles.items():
            connection.execute(insert(keys).values(id=name, name=name, digest=name, hint="", roles=held, created=1.0))
        migrations.operators_are_editors(connection)
        found = {row.id: row.roles for row in connection.execute(select(keys.c.id, keys.c.roles))}
    assert found == {"ada": ["editor"], "bob": ["admin", "editor"], "eve": ["viewer"], "ci": []}


def test_what_is_declared_later_is_added_and_rows_stay(store: Store) -> None:
    """The version before goes on writing rows without the new column."""
    Table("things", earlier := MetaData(), Column("id", Integer, primary_key=True))
    later = MetaData()
    kind = Column("kind", String(8), server_default="plain", nullable=False)
    columns = (Column("id", Integer, primary_key=True), kind, Column("order", Integer))
    things = Table("things", later, *columns, Index("things_by_kind", "kind"))
    with store.begin() as connection:
        assert expand(connection, earlier) == ["things"]
        connection.execute(text("INSERT INTO things (id) VALUES (1)"))
    with store.begin() as connection:
        assert expand(connection, later) == ["things.kind", "things.order", "things_by_kind"]
        connection.execute(text("INSERT INTO things (id) VALUES (2)"))
        assert expand(connection, later) == []
        rows = connection.execute(select(things).order_by(things.c.id)).all()
    assert [tuple(row) for row in rows] == [(1, "plain", None), (2, "plain", None)]


def test_evidence_of_before_is_listed_too(store: Store) -> None:
    item = {"id": "q", "candidate": {"answer": 1.0}, "baseline": {"answer": 0.0}}
    body = {"suite": "s" * 64, "dataset": "d" * 64, "baseline": "b" * 64, "items": [item]}
    row = EvidenceRow("ev_1", "r" * 64, None, "eval", 1.0, "ci", None, "e" * 64, "d" * 64, body, "")
    with store.begin() as connection:
        evidence.add(connection, row)
        connection.execute(update(evidence_table).values(suite=None, brief=None))
        assert evidence.suites(connection, 10) == []
        migrations.evidence_in_brief(connection)
        (suite,) = evidence.suites(connection, 10)
        (found,) = evidence.listed(connection, None, suite.suite, 10)
    assert (suite.runs, found.brief) == (1, evidence.in_brief(body))
    assert evidence.in_brief(body)["metrics"] == {"answer": {"candidate": 1.0, "baseline": 0.0}}
