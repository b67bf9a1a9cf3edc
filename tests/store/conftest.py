"""The stores of the contract suite: each test that asks for `store` or `url` runs on every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.engine import Store
from gateway.store.migrations import migrate


def sqlite(folder: Path) -> str:
    return f"sqlite:///{folder / 'sluice.db'}"


STORES: dict[str, Callable[[Path], str]] = {"sqlite": sqlite}
"""By name, what makes an empty database and gives its URL. A store joins the suite here."""


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return STORES[request.param](tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store, its tables made."""
    with closing(Store(url)) as opened:
        migrate(opened)
        yield opened
