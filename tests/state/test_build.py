"""Which State a gateway has."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.faults import BadSettings
from gateway.settings import StateSettings
from gateway.state.build import build_state
from gateway.state.memory import MemoryState
from gateway.state.redis import RedisState
from gateway.state.shared import SharedState
from tests.state.servers import Valkey

pytestmark = pytest.mark.anyio


async def test_one_process_keeps_it_in_memory() -> None:
    assert isinstance(build_state(StateSettings(), None), MemoryState)


async def test_several_processes_share_a_file(tmp_path: Path) -> None:
    one, two = build_state(StateSettings(), tmp_path), build_state(StateSettings(), tmp_path)
    assert isinstance(one, SharedState)
    await one.put("v", b"seen", 60)
    assert await two.get("v") == b"seen"
    await one.close()
    await two.close()


async def test_redis_is_used_where_it_is_named(valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS", valkey.url)
    for url in (valkey.url, "env:REDIS"):
        state = build_state(StateSettings(url=url, timeout=5), tmp_path)
        assert isinstance(state, RedisState)
        await state.put("v", b"seen", 60)
        assert await state.get("v") == b"seen"
        await state.close()


def test_a_reference_that_leads_nowhere_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS", raising=False)
    with pytest.raises(BadSettings, match="REDIS is not set"):
        build_state(StateSettings(url="env:REDIS"), None)


@pytest.mark.parametrize("url", ["http://redis:6379", "redis.internal:6379", "redis://:hunter2@redis:6379/0"])
def test_what_is_no_url_and_what_tells_a_secret_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        StateSettings(url=url)
    assert "url" in str(refused.value)


async def test_a_secret_that_is_no_url_says_so_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS", "hunter2")
    with pytest.raises(BadSettings, match=r"`state\.url` is no URL of Redis") as refused:
        build_state(StateSettings(url="env:REDIS"), None)
    assert "hunter2" not in refused.value.message
