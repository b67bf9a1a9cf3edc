"""What every test shares."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings

from gateway.store.engine import Store
from gateway.store.migrations import migrate
from tests.running import MANIFEST, RULES, Gateway, running_gateway

settings.register_profile("unhurried", deadline=None)  # how fast a test is, is no finding
settings.load_profile("unhurried")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one, its tables made."""
    with closing(Store(f"sqlite:///{tmp_path / 'sluice.db'}")) as opened:
        migrate(opened)
        yield opened


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    upstreams = {
        "demo": {"provider": "scripted", "rules": RULES, "shutdown_date": "2027-01-01"},
        "other": {"provider": "scripted"},
        "down": {"provider": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1"},
    }
    with running_gateway(tmp_path_factory.mktemp("gateway"), upstreams, MANIFEST) as started:
        yield started
