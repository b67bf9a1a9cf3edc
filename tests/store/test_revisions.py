"""Databases as earlier versions made them, with rows in them: brought up to date without a loss, and left in a form
that the version before can go on with while its processes are replaced one by one.

`revisions/` has a folder for each form: the tables' definitions for either database, rows, and the statements of the
version that made it. `revisions/write.py` writes the first two.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from gateway.store import allowances, calls, catalogue, contents, keys, responses, teams
from gateway.store.engine import Store
from gateway.store.migrations import began, migrate
from gateway.store.search import Filter, recent
from gateway.store.tables.base import metadata

REVISIONS = sorted(
    folder for folder in (Path(__file__).parent / "revisions").iterdir() if (folder / "rows.sql").exists()
)
Rows = dict[str, set[tuple[Any, ...]]]


def statements(file: Path) -> list[str]:
    return [statement for statement in file.read_text(encoding="utf-8").split(";\n\n") if statement.strip()]


def run(store: Store, file: Path) -> None:
    with store.begin() as connection:
        for statement in statements(file):
            connection.exec_driver_sql(statement)


@pytest.fixture(params=REVISIONS, ids=lambda folder: folder.name)
def revision(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


@pytest.fixture
def earlier(url: str, revision: Path) -> Iterator[Store]:
    """A database of that revision."""
    with closing(Store(url)) as opened:
        run(opened, revision / ("sqlite.sql" if opened.sqlite else "postgresql.sql"))
        run(opened, revision / "rows.sql")
        yield opened


def columns_of(store: Store) -> dict[str, list[str]]:
    with store.begin() as connection:
        inspector = inspect(connection)
        return {name: [c["name"] for c in inspector.get_columns(name)] for name in inspector.get_table_names()}


def rows_of(store: Store, columns: dict[str, list[str]]) -> Rows:
    found: Rows = {}
    with store.begin() as connection:
        for table, names in columns.items():
            query = "SELECT {} FROM {}".format(", ".join(f'"{name}"' for name in names), table)
            found[table] = {tuple(map(str, row)) for row in connection.execute(text(query))}
    return found


def test_every_row_is_what_it_was(earlier: Store) -> None:
    columns = columns_of(earlier)
    before = rows_of(earlier, columns)
    assert {"calls", "keys", "prompts", "releases", "endpoints", "responses"} <= {
        name for name in before if before[name]
    }
    migrate(earlier)
    after = rows_of(earlier, columns)
    assert {name: rows for name, rows in after.items() if name != "migrations"} == {
        name: rows for name, rows in before.items() if name != "migrations"
    }
    assert before["migrations"] <= after["migrations"]
    assert migrate(earlier) == []


def test_the_tables_are_those_of_today(earlier: Store) -> None:
    migrate(earlier)
    columns = columns_of(earlier)
    for table in metadata.tables.values():
        assert set(columns[table.name]) == {column.name for column in table.columns}
    with earlier.begin() as connection:
        inspector = inspect(connection)
        for table in metadata.tables.values():
            assert {index["name"] for index in inspector.get_indexes(table.name)} >= {i.name for i in table.indexes}


def read_everything(store: Store) -> None:
    """What every query module makes of the rows that each revision has."""
    with store.begin() as connection:
        assert {"key_1a", "key_1b"} <= {row.id for row in keys.list_all(connection)}
        ada = next(row for row in keys.find_active(connection) if row.id == "key_1a")
        assert (ada.name, ada.roles, ada.upstreams) == ("Ada's", frozenset(("admin", "viewer")), frozenset(("demo",)))
        held = catalogue.load(connection)
        assert {"greeter", "bot"} <= {endpoint.name for endpoint in held.endpoints}
        assert all(endpoint.release in held.releases for endpoint in held.endpoints)
        assert held.prompts[0].messages[0]["content"] == "Greet {{ name }}, it's \u2603"
        found = {record.id: record for record in recent(connection, Filter(limit=100))}
        assert (found["req_11"].cost, found["req_11"].stream, found["req_12"].error) == (7, True, "model_not_found")
        assert recent(connection, Filter(endpoint="bot", key_id="key_1a", status=200, id="req_11")) == [found["req_11"]]
        assert calls.offset_of(connection, "segment-1") > 0
        stored = responses.get(connection, "resp_1", "key_1a")
        assert stored is not None
        assert stored.turn == [{"role": "user", "content": "hello"}]
        said = contents.get(connection, "req_11")
        assert said is None or said.redacted == {"card": 1}
        assert {team.name for team in teams.list_teams(connection)} <= {"team-1", "team-2"}
        assert {row.allowance.scope for row in allowances.list_all(connection)} <= {"endpoint:bot", "team:team-1"}
        assert began(connection) > 0


def test_every_query_reads_the_rows(earlier: Store) -> None:
    migrate(earlier)
    read_everything(earlier)


def test_the_version_before_goes_on_beside_this_one(earlier: Store, revision: Path) -> None:
    """Every statement it has, writing and reading; then this version reads what it wrote."""
    migrate(earlier)
    run(earlier, revision / "statements.sql")
    read_everything(earlier)
    with earlier.begin() as connection:
        assert "second" in {endpoint.name for endpoint in catalogue.load(connection).endpoints}
        assert {"req_21", "req_22"} <= {record.id for record in recent(connection, Filter(limit=100))}
