"""The store's engine: one per process, used from threads, never from the event loop itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, InterfaceError, NoSuchModuleError, OperationalError

from gateway.errors import BadRequest, Unavailable, Unequipped

BUSY_MS = 5000
WAL_PAGES = 8000
"""Of the write-ahead log before it is copied into the database: pages written to again and again, as the newest of each
index, are then copied less often."""


class Store:
    """The SQL database behind `url` (SQLAlchemy's form). SQLite is opened in write-ahead mode, so that readers and the
    one writer do not wait for each other."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            # the connection used last: its caches are warm, and those of the others stay small
            self._engine = create_engine(
                parsed, pool_use_lifo=True, pool_pre_ping=parsed.get_backend_name() != "sqlite"
            )
        except ImportError as error:
            message = f"The database's driver is missing: {error}. For PostgreSQL: pip install 'sluicegate[postgres]'"
            raise Unequipped(message, code="package_missing") from error
        except (ArgumentError, NoSuchModuleError) as error:
            message = f"The database URL cannot be used: {error}. Write sqlite:///path or postgresql+psycopg://…"
            raise Unavailable(message, code="bad_database") from error
        self.shown_url = parsed.render_as_string(hide_password=True)
        if self.sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    @property
    def sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    def begin(self) -> AbstractContextManager[Connection]:
        """One transaction, committed at the end of the context and rolled back by what is raised in it.

        Raises `Unavailable` when the database cannot be reached, is corrupt, or stays locked, and `BadRequest` when it
        cannot hold a value.
        """
        return self._transaction(self._engine)

    def reading(self) -> AbstractContextManager[Connection]:
        """As `begin`, to read only: everything as of one moment, however long it takes, while others go on writing."""
        if self.sqlite:
            return self._transaction(self._engine.execution_options(reads=True))
        reads = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return self._transaction(self._engine.execution_options(**reads))

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError) as error:
            message = f"The database {self.shown_url} does not answer: {error.orig}. Is it up, and the path writable?"
            raise Unavailable(message, code="database_unavailable") from error
        except DataError as error:
            raise BadRequest(f"The database cannot hold this value: {error.orig}.", code="invalid_value") from error
        except DatabaseError as error:
            if "malformed" in str(error.orig) or "not a database" in str(error.orig):
                message = f"The database {self.shown_url} is corrupt: {error.orig}. Restore it, or move the file away."
                raise Unavailable(message, code="database_corrupt") from error
            raise

    def ping(self) -> None:
        """Raises `Unavailable` when the database does not answer."""
        with self.begin() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self._engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where the driver guesses
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    _write_ahead(cursor)
    cursor.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """SQLite does not wait, whatever the time-out, where several switch a new database over at the same moment."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at the start: one taken half-way can fail however long it waits."""
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
