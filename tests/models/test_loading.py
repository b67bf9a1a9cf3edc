"""A model is loaded once, for however many ask; a load that failed is tried again."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.errors import Unavailable
from gateway.models.loading import Loaded

pytestmark = pytest.mark.anyio


class Load:
    """Gives 1, 2, … each time it is called; waits for `go`, and fails `failures` times first."""

    def __init__(self, failures: int = 0) -> None:
        self.calls = 0
        self.failures = failures
        self.go = threading.Event()

    def __call__(self) -> int:
        self.go.wait(10)
        self.calls += 1
        if self.calls <= self.failures:
            raise Unavailable("No model.")
        return self.calls


async def test_those_who_ask_together_share_one_load() -> None:
    load = Load()
    loaded = Loaded(load)
    waiting = [asyncio.create_task(loaded.get()) for _ in range(10)]
    await asyncio.sleep(0.01)
    load.go.set()
    assert await asyncio.gather(*waiting) == [1] * 10
    assert await loaded.get() == 1
    assert load.calls == 1


async def test_one_who_stops_waiting_does_not_stop_the_load() -> None:
    load = Load()
    loaded = Loaded(load)
    first = asyncio.create_task(loaded.get())
    await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    load.go.set()
    assert await loaded.get() == 1
    assert load.calls == 1


async def test_a_failed_load_fails_those_who_waited_and_is_tried_again() -> None:
    load = Load(failures=1)
    load.go.set()
    loaded = Loaded(load)
    found = await asyncio.gather(*(loaded.get() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(error, Unavailable) for error in found)
    assert await loaded.get() == 2


async def test_what_was_never_asked_for_is_not_loaded_to_be_closed() -> None:
    load = Load()
    assert await Loaded(load).take() is None
    assert load.calls == 0


async def test_closing_waits_for_a_load_under_way() -> None:
    load = Load()
    loaded = Loaded(load)
    asked = asyncio.create_task(loaded.get())
    await asyncio.sleep(0.01)
    taken = asyncio.create_task(loaded.take())
    await asyncio.sleep(0.01)
    assert not taken.done()
    load.go.set()
    assert await taken == await asked == 1
    assert await loaded.take() is None


async def test_closing_after_a_load_that_failed() -> None:
    load = Load(failures=1)
    load.go.set()
    loaded = Loaded(load)
    with pytest.raises(Unavailable):
        await loaded.get()
    assert await loaded.take() is None
