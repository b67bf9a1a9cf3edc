"""How long providers live: kept while nothing about them changes, closed when nobody can ask them any more."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.faults import BadSettings
from gateway.pricing import PriceTable
from gateway.providers.base import Provider
from gateway.providers.build import Builder
from gateway.providers.fleet import Changes, Fleet
from gateway.providers.scripted import ScriptedConfig, ScriptedProvider
from gateway.settings import AnyUpstream, ScriptedSettings, Settings
from gateway.upstreams import Upstream

pytestmark = pytest.mark.anyio


class Closing(ScriptedProvider):
    """A scripted provider that counts how often it was closed."""

    def __init__(self) -> None:
        super().__init__(ScriptedConfig())
        self.closed = 0
        self.over = asyncio.Event()

    async def close(self) -> None:
        self.closed += 1
        self.over.set()


class ClosingBuilder(Builder):
    """Builds scripted upstreams over such a provider."""

    def build(self, name: str, settings: AnyUpstream, provider: Provider | None = None) -> Upstream:
        own = Closing() if isinstance(settings, ScriptedSettings) else None
        return super().build(name, settings, provider or own)


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    made = Fleet(ClosingBuilder(PriceTable("v", {})))
    yield made
    await made.close()


def configure(fleet: Fleet, pools: dict[str, Any] | None = None, **upstreams: dict[str, Any]) -> Changes:
    specs = {name: {"provider": "scripted", **fields} for name, fields in upstreams.items()}
    return fleet.configure(Settings.model_validate({"upstreams": specs, "pools": pools or {}}))


def closing(upstream: Upstream) -> Closing:
    assert isinstance(upstream.provider, Closing)
    return upstream.provider


async def settled() -> None:
    """Until what was handed to the loop has been done."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_does_not_change_is_kept(fleet: Fleet) -> None:
    assert configure(fleet, a={}, b={}) == Changes(added=("a", "b"))
    before = fleet.upstreams
    assert configure(fleet, a={}, b={}, c={}) == Changes(added=("c",))
    assert fleet.upstreams["a"] is before["a"]
    assert fleet.upstreams["b"] is before["b"]


async def test_a_provider_stays_when_only_what_every_upstream_has_changes(fleet: Fleet) -> None:
    """No model is loaded again for another time-out; and what is known of its health stays."""
    configure(fleet, a={})
    before = fleet.upstreams["a"]
    assert configure(fleet, a={"timeouts": {"idle": 7}, "price": {"input": 1}}) == Changes(changed=("a",))
    after = fleet.upstreams["a"]
    assert (after.timeouts.idle, after.provider, after.health) == (7, before.provider, before.health)
    assert after.digest != before.digest
    provider = closing(before)
    del before
    await settled()
    assert provider.closed == 0


async def test_a_changed_provider_is_closed_when_the_last_call_that_can_ask_it_has_ended(fleet: Fleet) -> None:
    configure(fleet, a={"model": "one"})
    call = fleet.upstreams["a"]  # held, as a call's snapshot does
    old = closing(call)
    assert configure(fleet, a={"model": "two"}) == Changes(changed=("a",))
    await settled()
    assert fleet.upstreams["a"].provider is not old
    assert old.closed == 0
    del call
    await settled()
    assert old.closed == 1
    assert closing(fleet.upstreams["a"]).closed == 0


async def test_a_removed_provider_is_closed_though_the_last_to_let_go_is_another_thread(fleet: Fleet) -> None:
    configure(fleet, a={}, b={})
    held = [fleet.upstreams["a"]]
    old = closing(held[0])
    assert configure(fleet, b={}) == Changes(removed=("a",))
    assert "a" not in fleet.pools
    await settled()
    assert old.closed == 0
    await asyncio.to_thread(held.clear)
    await settled()
    assert old.closed == 1


async def test_what_a_call_left_in_a_cycle_is_collected_after_the_total_time_out(fleet: Fleet) -> None:
    configure(fleet, a={"timeouts": {"total": 0.1}})
    cycle: list[Any] = [fleet.upstreams["a"]]
    cycle.append(cycle)
    old = closing(cycle[0])
    gc.disable()
    try:
        configure(fleet)
        del cycle
        await settled()
        assert old.closed == 0
        await asyncio.wait_for(old.over.wait(), 10)
    finally:
        gc.enable()


async def test_pools_are_made_of_the_upstreams_in_force(fleet: Fleet) -> None:
    configure(fleet, {"both": {"members": {"a": 1, "b": 2}}}, a={}, b={})
    assert fleet.pools["both"].members == (fleet.upstreams["a"], fleet.upstreams["b"])
    configure(fleet, {"both": {"members": {"a": 1}, "fallbacks": ["b"]}}, a={"model": "new"}, b={})
    assert list(fleet.pools["both"].members) == [fleet.upstreams["a"]]
    assert fleet.pools["both"].fallbacks == (fleet.upstreams["b"],)
    assert fleet.pools["a"].members == (fleet.upstreams["a"],)


async def test_a_rotated_secret_makes_a_new_provider(fleet: Fleet, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("one")
    spec = {"provider": "openai", "model": "m", "api_key": f"file:{key}"}
    configure(fleet, a=spec)
    before = fleet.upstreams["a"]
    assert configure(fleet, a=spec) == Changes()
    key.write_text("two")
    assert configure(fleet, a=spec) == Changes(changed=("a",))
    assert fleet.upstreams["a"].provider is not before.provider
    assert fleet.upstreams["a"].digest == before.digest, "a digest tells nothing of a secret"


@pytest.mark.parametrize("key", ["env:SLUICEGATE_NO_SUCH_VARIABLE", "file:/nowhere/key"])
async def test_what_cannot_be_made_changes_nothing(fleet: Fleet, key: str) -> None:
    configure(fleet, a={})
    before, pools = fleet.upstreams, fleet.pools
    bad = {"provider": "openai", "model": "m", "api_key": key}
    with pytest.raises(BadSettings) as refused:
        configure(fleet, a={"model": "other"}, b=bad)
    assert [(fault.key, fault.line) for fault in refused.value.faults] == [("upstreams.b", None)]
    assert key.partition(":")[2] in refused.value.message
    assert (fleet.upstreams, fleet.pools) == (before, pools)
    assert closing(before["a"]).closed == 0
    assert configure(fleet, a={}) == Changes()


async def test_a_key_that_fits_no_header_is_refused_and_not_quoted(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-one\nsk-two")
    with pytest.raises(BadSettings) as refused:
        configure(fleet, a={"provider": "openai", "model": "m", "api_key": f"file:{tmp_path / 'key'}"})
    assert "sk-" not in refused.value.message


async def test_closing_the_fleet_closes_every_provider_once(fleet: Fleet) -> None:
    configure(fleet, a={}, b={})
    a, b = fleet.upstreams["a"], fleet.upstreams["b"]
    providers = [closing(a), closing(b)]
    configure(fleet, b={})
    await fleet.close()
    assert [provider.closed for provider in providers] == [1, 1]
    del a
    await settled()
    assert [provider.closed for provider in providers] == [1, 1]


async def test_what_is_let_go_of_while_the_fleet_closes_is_closed_once(fleet: Fleet) -> None:
    configure(fleet, a={}, b={})
    providers = [closing(upstream) for upstream in fleet.upstreams.values()]
    configure(fleet)  # both are gone, and the loop has not been told yet
    await fleet.close()
    await settled()
    assert [provider.closed for provider in providers] == [1, 1]
