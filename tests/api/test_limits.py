"""Limits through the admin API: set, in force at once, read as they were set, removed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.amounts import Allowance
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio
WHOLE = {"requests_per_minute": 600, "tokens_per_minute": 90_000, "concurrent": 8, "budget": "50.5usd/week"}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        await started.apply("endpoints: {bot: {upstream: demo}}")
        started.client.headers.update(await started.key("admin"))
        await started.client.post("/admin/teams", json={"name": "search"})
        await started.client.post("/admin/projects", json={"name": "web", "team": "search"})
        yield started


async def put(running: Inside, scope: str, **limits: Any) -> dict[str, Any]:
    reply = await running.client.put(f"/admin/limits/{scope}", json=limits)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def test_limits_are_read_as_they_were_set(running: Inside) -> None:
    [admin] = (await running.client.get("/admin/keys")).json()["data"]
    row = await put(running, "team:search", **WHOLE)
    assert row == {"scope": "team:search", **WHOLE, "updated": row["updated"], "updated_by": admin["id"]}
    assert (await running.client.get("/admin/limits/team:search")).json() == row
    assert (await running.client.get("/admin/limits")).json() == {"object": "list", "data": [row]}


async def test_they_are_in_force_when_the_reply_is_there(running: Inside) -> None:
    """The caller has its own, its project's and its team's; the route has the endpoint's."""
    made = (await running.client.post("/admin/keys", json={"name": "k", "project": "web"})).json()
    scopes = (f"key:{made['id']}", "project:web", "team:search", "endpoint:bot")
    for number, scope in enumerate(scopes):
        await put(running, scope, concurrent=number + 1)
    snapshot = running.services.refresher.snapshots.current
    caller = snapshot.keys.authenticate(f"Bearer {made['key']}".encode())
    found = (*caller.allowances, *snapshot.resolve("bot", caller).allowances)
    assert found == tuple(Allowance(scope, concurrent=number + 1) for number, scope in enumerate(scopes))


async def test_what_is_set_stands_in_place_of_all_there_was(running: Inside) -> None:
    await put(running, "team:search", **WHOLE)
    row = await put(running, "team:search", concurrent=1)
    assert (row["concurrent"], row["requests_per_minute"], row["budget"]) == (1, None, None)


async def test_what_is_removed_is_no_longer_in_force(running: Inside) -> None:
    row = await put(running, "endpoint:bot", budget="1usd/day")
    assert (await running.client.delete("/admin/limits/endpoint:bot")).json() == row
    snapshot = running.services.refresher.snapshots.current
    assert snapshot.endpoints["bot"].allowances == ()
    for method in ("GET", "DELETE"):
        reply = await running.client.request(method, "/admin/limits/endpoint:bot")
        assert (reply.status_code, reply.json()["error"]["param"]) == (404, "scope")


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("team:ghost", 404),
        ("project:search", 404),
        ("endpoint:demo", 404),
        ("key:key_unknown", 404),
        ("key:", 400),
        ("tenant:search", 400),
        ("search", 400),
    ],
)
async def test_what_is_not_there_has_no_limits(running: Inside, scope: str, status: int) -> None:
    reply = await running.client.put(f"/admin/limits/{scope}", json={"concurrent": 1})
    error = reply.json()["error"]
    assert (reply.status_code, error["param"]) == (status, "scope")
    assert error["code"] == ("not_found" if status == 404 else "invalid_scope")
    assert (scope.partition(":")[2] or scope) in error["message"]
    assert (await running.client.get("/admin/limits")).json()["data"] == []


@pytest.mark.parametrize(
    ("limits", "param"),
    [
        ({}, None),
        ({"budget": None}, None),
        ({"budget": 50}, "budget"),
        ({"budget": "50usd"}, "budget"),
        ({"budget": "0usd/day"}, "budget"),
        ({"concurrent": 0}, "concurrent"),
        ({"concurrent": True}, "concurrent"),
        ({"concurrent": 1.5}, "concurrent"),
        ({"tokens_per_minute": 10**16}, "tokens_per_minute"),
        ({"requests_per_minute": "600"}, "requests_per_minute"),
        ({"concurrent": 1, "scope": "team:web"}, "scope"),
        ({"concurrent": 1, "updated_by": "me"}, "updated_by"),
    ],
)
async def test_the_field_at_fault_is_named(running: Inside, limits: dict[str, Any], param: str | None) -> None:
    reply = await running.client.put("/admin/limits/team:search", json=limits)
    error = reply.json()["error"]
    assert (reply.status_code, error["param"], error["code"]) == (400, param, "invalid_value")
    assert (await running.client.get("/admin/limits")).json()["data"] == []
