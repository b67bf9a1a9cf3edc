"""Keys through the admin API: minted, shown once, listed without their secrets, revoked at once."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        started.client.headers.update(await started.key("admin", name="first"))
        yield started


async def minted(running: Inside, **grant: Any) -> dict[str, Any]:
    reply = await running.client.post("/admin/keys", json={"name": "new", **grant})
    assert reply.status_code == 201
    made: dict[str, Any] = reply.json()
    return made


async def status(running: Inside, secret: str, path: str = "/v1/models") -> int:
    return (await running.client.get(path, headers={"authorization": f"Bearer {secret}"})).status_code


async def test_a_new_key_is_in_force_at_once_and_shown_once(running: Inside) -> None:
    made = await minted(running, roles=["viewer"], endpoints=["b", "a"], upstreams=["demo"])
    secret = made.pop("key")
    assert await status(running, secret) == 200
    listed = (await running.client.get("/admin/keys")).json()
    assert listed["object"] == "list"
    assert listed["data"][1] == made
    assert secret not in str(listed)
    assert made["hint"] == secret[-4:]
    assert (made["roles"], made["endpoints"], made["upstreams"]) == (["viewer"], ["a", "b"], ["demo"])
    assert (made["expires"], made["revoked"]) == (None, None)


async def test_a_key_that_is_told_nothing_may_do_little(running: Inside) -> None:
    made = await minted(running)
    assert (made["roles"], made["endpoints"], made["upstreams"]) == ([], None, [])
    assert await status(running, made["key"], "/admin/keys") == 403
    everything = await minted(running, endpoints=[], upstreams=None)
    assert (everything["endpoints"], everything["upstreams"]) == ([], None)


async def test_a_revoked_key_is_refused_at_once_and_still_listed(running: Inside) -> None:
    made = await minted(running)
    revoked = (await running.client.delete(f"/admin/keys/{made['id']}")).json()
    assert revoked["id"] == made["id"]
    assert revoked["revoked"] <= time.time()
    assert await status(running, made["key"]) == 401
    listed = (await running.client.get("/admin/keys")).json()["data"]
    assert [key["revoked"] is None for key in listed] == [True, False]
    again = await running.client.delete(f"/admin/keys/{made['id']}")
    assert (again.status_code, again.json()["error"]["param"]) == (404, "key_id")


@pytest.mark.parametrize(
    ("grant", "param"),
    [
        ({"name": None}, "name"),
        ({"roles": ["root"]}, "roles"),
        ({"roles": "admin"}, "roles"),
        ({"expires": 1}, "expires"),
        ({"expires": "soon"}, "expires"),
        ({"endpoints": {}}, "endpoints"),
        ({"admin": True}, "admin"),
    ],
)
async def test_the_field_at_fault_is_named(running: Inside, grant: dict[str, Any], param: str) -> None:
    reply = await running.client.post("/admin/keys", json={"name": "new", **grant})
    error = reply.json()["error"]
    assert (reply.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert len((await running.client.get("/admin/keys")).json()["data"]) == 1


async def test_a_number_that_json_does_not_know_grants_nothing(running: Inside) -> None:
    for number in ("NaN", "Infinity", "1e999"):
        raw = f'{{"name": "new", "expires": {number}}}'
        headers = {"content-type": "application/json"}
        reply = await running.client.post("/admin/keys", content=raw, headers=headers)
        assert reply.status_code == 400
