"""Prompts at hand: fresh for their time, renewed behind the caller's back, there while the gateway is away."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.client.disk import Disk, Wanted
from gateway.client.prompt import Prompt
from gateway.client.synchronous.prompt_cache import AWAY, PromptCache
from gateway.errors import Forbidden, GatewayError, NotFound, RateLimited, Unavailable
from gateway.prompts.published import as_json
from gateway.types import PromptVersion
from tests.client.halves import Half

TTL = 60.0
GREETER = Wanted("greeter", "production", None)
THIRD = Wanted("greeter", None, 3)
FALLBACK = Prompt.fallback("greeter", [{"role": "user", "content": "Hello {{ name }}."}])
GONE = Unavailable("No gateway answers.")


def version(number: int) -> PromptVersion:
    variables = {"type": "object", "properties": {"name": {"type": "string"}}}
    messages = ({"role": "user", "content": f"{number}: {{{{ name }}}}"},)
    return PromptVersion("greeter", number, f"digest{number}", messages, variables)


@dataclass
class World:
    """A gateway as the cache sees it, and a clock that is put forward by hand."""

    now: float = 1000.0
    says: PromptVersion | GatewayError | dict[str, Any] = field(default_factory=lambda: version(1))
    asked: list[Wanted] = field(default_factory=list)

    def fetch(self, wanted: Wanted) -> Any:
        self.asked.append(wanted)
        if isinstance(self.says, GatewayError):
            raise self.says
        return as_json(self.says) if isinstance(self.says, PromptVersion) else self.says

    def clock(self) -> float:
        return self.now


@pytest.fixture
def world() -> World:
    return World()


def get(half: Half, cache: PromptCache, wanted: Wanted = GREETER, fallback: Prompt | None = None) -> int:
    return half.run(cache.get(wanted, fallback)).version


def test_within_its_time_the_gateway_is_asked_once(half: Half, world: World) -> None:
    cache = half.cache(world.fetch, None, TTL, world.clock)
    assert get(half, cache) == 1
    world.now += TTL - 1
    world.says = version(2)
    assert get(half, cache) == 1
    assert world.asked == [GREETER]


def test_after_its_time_it_is_renewed_without_a_wait(half: Half, world: World) -> None:
    cache = half.cache(world.fetch, None, TTL, world.clock)
    get(half, cache)
    world.now += TTL
    world.says = version(2)
    assert get(half, cache) == 1
    half.until(lambda: get(half, cache) == 2)
    assert len(world.asked) == 2
    half.close(cache)


def test_a_numbered_version_is_never_asked_for_again(half: Half, world: World) -> None:
    cache = half.cache(world.fetch, None, TTL, world.clock)
    get(half, cache, THIRD)
    world.now += 365 * 86400
    get(half, cache, THIRD)
    assert world.asked == [THIRD]


@pytest.mark.parametrize("silence", [GONE, RateLimited("Slow down."), {"error": "of another program"}])
def test_while_the_gateway_is_away_the_last_known_one_stays(half: Half, world: World, silence: Any) -> None:
    cache = half.cache(world.fetch, None, TTL, world.clock)
    get(half, cache)
    world.says = silence
    world.now += TTL
    assert get(half, cache) == 1
    half.until(lambda: len(world.asked) == 2)
    assert get(half, cache) == 1
    world.says = version(2)

    def later() -> bool:
        world.now += AWAY
        return get(half, cache) == 2

    half.until(later)
    half.close(cache)


def test_a_gateway_that_is_away_is_not_asked_at_every_call(half: Half, world: World) -> None:
    world.says = GONE
    cache = half.cache(world.fetch, None, TTL, world.clock)
    assert [get(half, cache, fallback=FALLBACK) for _ in range(5)] == [0] * 5
    with pytest.raises(Unavailable, match="No gateway answers"):
        get(half, cache)
    assert len(world.asked) == 1
    world.now += AWAY
    world.says = version(1)
    assert get(half, cache) == 1


@pytest.mark.parametrize("refused", [NotFound("There is no such label."), Forbidden("Not for this key.")])
def test_what_the_gateway_refuses_is_no_silence(
    half: Half, world: World, tmp_path: Path, refused: GatewayError
) -> None:
    disk = Disk(tmp_path, "http://gateway")
    cache = half.cache(world.fetch, disk, TTL, world.clock)
    get(half, cache)
    world.now += TTL
    world.says = refused
    assert get(half, cache) == 1
    half.until(lambda: disk.load(GREETER) is None)
    with pytest.raises(type(refused)):
        get(half, cache, fallback=FALLBACK)
    half.close(cache)


def test_a_start_without_a_gateway_goes_on_from_disk(half: Half, world: World, tmp_path: Path) -> None:
    disk = Disk(tmp_path, "http://gateway")
    get(half, half.cache(world.fetch, disk, TTL, world.clock))
    world.says = GONE
    later = half.cache(world.fetch, disk, TTL, world.clock)
    assert get(half, later, fallback=FALLBACK) == 1
    elsewhere = half.cache(world.fetch, Disk(tmp_path, "http://another"), TTL, world.clock)
    assert get(half, elsewhere, fallback=FALLBACK) == 0


def test_a_kept_prompt_that_cannot_be_used_is_as_if_it_were_not_there(half: Half, world: World, tmp_path: Path) -> None:
    disk = Disk(tmp_path, "http://gateway")
    disk.keep(GREETER, {"of": "another version"})
    world.says = GONE
    assert get(half, half.cache(world.fetch, disk, TTL, world.clock), fallback=FALLBACK) == 0


def test_many_who_wait_ask_once(world: World) -> None:
    """Threads: one asks, the others wait for what it finds."""
    asking, answer = threading.Event(), threading.Event()

    def fetch(wanted: Wanted) -> Any:
        asking.set()
        assert answer.wait(30)
        return world.fetch(wanted)

    cache = PromptCache(fetch, None, TTL, world.clock)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(cache.get, GREETER) for _ in range(8)]
        assert asking.wait(30)
        answer.set()
    assert {one.result().version for one in found} == {1}
    assert len(world.asked) == 1


def test_many_who_notice_renew_once(world: World) -> None:
    answer = threading.Event()
    answer.set()

    def fetch(wanted: Wanted) -> Any:
        assert answer.wait(30)
        return world.fetch(wanted)

    cache = PromptCache(fetch, None, TTL, world.clock)
    cache.get(GREETER)
    world.now += TTL
    world.says = version(2)
    answer.clear()
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(cache.get, GREETER) for _ in range(64)]
    assert {one.result().version for one in found} == {1}
    answer.set()
    cache.close()
    assert cache.get(GREETER).version == 2
    assert len(world.asked) == 2
