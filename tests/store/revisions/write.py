"""Write down the form of the tables as this version makes them, with the rows of a SQLite database of it, for
`tests/store/test_revisions.py`: `python -m tests.store.revisions.write NAME FILE`, when a version is released.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Dialect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.store.engine import Store
from gateway.store.migrations import applied
from gateway.store.tables.base import metadata

TABLES = [applied, *metadata.sorted_tables]


def definitions(dialect: Dialect) -> Iterator[str]:
    for table in TABLES:
        yield str(CreateTable(table).compile(dialect=dialect)).strip()
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))


def rows(store: Store) -> Iterator[str]:
    with store.begin() as connection:
        for table in TABLES:
            columns = [column for column in table.columns if column is not table.autoincrement_column]
            names = ", ".join(f'"{column.name}"' for column in columns)
            for row in connection.execute(select(*columns).order_by(*table.primary_key)):
                values = ", ".join(map(literal, columns, row))
                yield f'INSERT INTO "{table.name}" ({names}) VALUES ({values})'


def literal(column: Column[Any], value: Any) -> str:
    """In SQL that both databases read."""
    if value is None and not (isinstance(column.type, JSON) and not column.type.none_as_null):
        return "NULL"
    if isinstance(column.type, JSON):
        value = json.dumps(value)
    if isinstance(column.type, Boolean):
        return str(value).upper()
    return "'{}'".format(value.replace("'", "''")) if isinstance(value, str) else repr(value)


def write(folder: Path, database: Path) -> None:
    folder.mkdir()
    with closing(Store(f"sqlite:///{database}")) as store:
        texts = {
            "sqlite.sql": definitions(sqlite.dialect()),
            "postgresql.sql": definitions(postgresql.dialect()),  # type: ignore[no-untyped-call]
            "rows.sql": rows(store),
        }
        for name, statements in texts.items():
            (folder / name).write_text("".join(f"{statement};\n\n" for statement in statements), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent / sys.argv[1], Path(sys.argv[2]))
