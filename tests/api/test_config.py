"""The configuration through the admin API: what is in force, with secrets as references, and who may load it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio
CANARY = "sk-canary-9b2e"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    (tmp_path / "key").write_text(CANARY)
    azure = {
        "provider": "openai",
        "model": "m",
        "api_key": f"file:{tmp_path / 'key'}",
        "headers": {"x-gateway-token": CANARY},
        "query": {"subscription-key": CANARY, "api-version": "1"},
        "proxy": f"http://user:{CANARY}@proxy:3128",
    }
    async with inside(tmp_path, upstreams={"azure": azure}) as started:
        yield started


async def test_what_is_in_force_is_shown_without_a_secret(running: Inside, tmp_path: Path) -> None:
    reply = await running.client.get("/admin/config", headers=await running.key("editor"))
    assert reply.status_code == 200
    found = reply.json()
    snapshots = running.services.refresher.snapshots
    assert (found["digest"], found["since"]) == (snapshots.current.digest, snapshots.since)
    assert (found["file"], found["fault"], found["needs_restart"]) == (None, None, [])
    azure = found["settings"]["upstreams"]["azure"]
    assert azure["api_key"] == f"file:{tmp_path / 'key'}"
    assert azure["headers"] == {"x-gateway-token": "***"}
    assert azure["query"] == {"subscription-key": "***", "api-version": "1"}
    assert azure["proxy"] == "http://user:***@proxy:3128"
    assert CANARY not in reply.text


@pytest.mark.parametrize(
    ("method", "path", "role", "status"),
    [
        ("GET", "/admin/config", "viewer", 403),
        ("GET", "/admin/config", "editor", 200),
        ("POST", "/admin/config/reload", "editor", 403),
        ("POST", "/admin/config/reload", "admin", 409),
    ],
)
async def test_who_may(running: Inside, method: str, path: str, role: str, status: int) -> None:
    """This gateway was not started from a file, so an administrator hears that there is nothing to load again."""
    assert (await running.client.request(method, path, headers=await running.key(role))).status_code == status
    assert (await running.client.request(method, path)).status_code == 401
