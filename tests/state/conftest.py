"""The States of the contract suite: each test that asks for `states` runs on every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from gateway.state.base import State
from gateway.state.memory import MemoryState
from gateway.state.redis import RedisState
from gateway.state.shared import SharedState
from tests.state.servers import Valkey

DEAD = 0.4
"""Seconds, so that no test waits long for a death."""
BOUND = 10_000

States = Callable[[], State]
"""Opens what is shared once more, as another replica does."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    running = Valkey(tmp_path_factory.mktemp("valkey"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def valkey(server: Valkey) -> Valkey:
    """Running, and empty."""
    server.command("FLUSHALL")
    return server


def memory(_: pytest.FixtureRequest) -> States:
    only = MemoryState(bound=BOUND, dead=DEAD)
    return lambda: only


def shared(request: pytest.FixtureRequest) -> States:
    folder: Path = request.getfixturevalue("tmp_path")
    return partial(SharedState, folder, bound=BOUND, dead=DEAD)


def redis(request: pytest.FixtureRequest) -> States:
    valkey: Valkey = request.getfixturevalue("valkey")
    return partial(RedisState, valkey.url, timeout=5.0, grace=0.0, dead=DEAD)


STATES: dict[str, Callable[[pytest.FixtureRequest], States]] = {"memory": memory, "shared": shared, "redis": redis}


@pytest.fixture(params=STATES)
def states(request: pytest.FixtureRequest) -> States:
    return STATES[request.param](request)
