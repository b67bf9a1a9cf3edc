"""A server that answers as it is told, and both halves of the client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.answering import Told, answering
from tests.client.halves import Half
from tests.client.people import People, at_work, key
from tests.running import Gateway


@pytest.fixture
def told() -> Iterator[Told]:
    with answering() as server:
        yield server


@pytest.fixture(params=["asynchronous", "synchronous"])
def half(request: pytest.FixtureRequest) -> Iterator[Half]:
    if request.param == "synchronous":
        yield Half(None)
        return
    with asyncio.Runner() as runner:
        yield Half(runner)


@pytest.fixture(scope="session")
def keys(gateway: Gateway) -> tuple[str, str, str]:
    return key(gateway, "boss", "admin"), key(gateway, "ada", "editor"), key(gateway, "grace", "approver")


@pytest.fixture
def people(gateway: Gateway, keys: tuple[str, str, str], half: Half) -> Iterator[People]:
    with at_work(half, gateway, keys) as opened:
        yield opened
