"""However a call ends, it lets go of its upstreams: what was removed meanwhile is closed then, and not only when the
garbage collector comes by."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.configuration import Source
from gateway.upstreams import Upstream
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio

RULES = [
    {"when": "busy", "status": 429, "say": "Slow down.", "retry_after": 0.01},
    {"when": "broken", "status": 500},
    {"when": "cut", "say": "one two three", "cut": 1},
    {"when": "slow", "say": "word " * 40, "pause": 0.05},
]
POOLS = {"pool": {"members": {"a": 1, "b": 1}, "fallbacks": ["c"], "retries": 2}}


def configuration(folder: Path, model: str) -> dict[str, Any]:
    spec = {"provider": "scripted", "model": model, "rules": RULES}
    return {"data": str(folder / "data"), "upstreams": {name: spec for name in "abc"}, "pools": POOLS}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    file = tmp_path / "sluicegate.yaml"
    write(file, configuration(tmp_path, "old"))
    async with inside(tmp_path, Source(file)) as started:
        started.client.headers.update(await started.key())
        yield started


@pytest.fixture
def uncollected() -> Iterator[None]:
    """References alone must do."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(content))


async def ask(running: Inside, model: str, words: str, **fields: Any) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": words}], **fields}
    return (await running.client.post("/v1/chat/completions", json=body)).status_code


async def until_gone(old: list[weakref.ref[Upstream]]) -> None:
    for _ in range(200):
        if not any(upstream() for upstream in old):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("an upstream is still held")


async def reloaded(running: Inside, folder: Path, model: str) -> list[weakref.ref[Upstream]]:
    """Every upstream is set otherwise; gives those that were in force before."""
    old = [weakref.ref(upstream) for upstream in running.services.refresher.snapshots.current.upstreams.values()]
    write(folder / "sluicegate.yaml", configuration(folder, model))
    assert (await running.services.reloader.reload()).changed == ("a", "b", "c")
    return old


@pytest.mark.usefixtures("uncollected")
async def test_a_call_that_ended_holds_no_upstream(running: Inside, tmp_path: Path) -> None:
    for words, model, stream in product(("hello", "busy", "broken", "cut"), ("a", "pool", "nothing"), (False, True)):
        await ask(running, model, words, stream=stream)
        await until_gone(await reloaded(running, tmp_path, f"after {words} {model} {stream}"))


@pytest.mark.usefixtures("uncollected")
async def test_a_call_whose_client_left_holds_no_upstream(running: Inside, tmp_path: Path) -> None:
    for model in ("a", "pool"):
        call = asyncio.create_task(ask(running, model, "slow", stream=True))
        await asyncio.sleep(0.1)
        old = await reloaded(running, tmp_path, f"after {model}")
        await asyncio.sleep(0.05)
        assert any(upstream() for upstream in old), "the call that began before goes on"
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call
        await until_gone(old)
