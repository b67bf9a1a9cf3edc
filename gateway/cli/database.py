"""How commands reach the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection

from gateway import configuration
from gateway.app import open_store


@contextmanager
def transaction(config: Path | None) -> Iterator[Connection]:
    """One transaction on the database that the configuration names, committed at the end of the context."""
    with closing(open_store(configuration.load(config))) as store, store.begin() as connection:
        yield connection
