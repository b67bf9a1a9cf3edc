"""Teams and projects through the admin API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inside import Inside

pytestmark = pytest.mark.anyio


async def made(running: Inside, path: str, **body: Any) -> dict[str, Any]:
    reply = await running.client.post(path, json=body)
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def test_they_are_made_listed_and_deleted(running: Inside) -> None:
    team = await made(running, "/admin/teams", name="search", description="Finds things.")
    project = await made(running, "/admin/projects", name="web", team="search")
    assert (team["name"], team["description"]) == ("search", "Finds things.")
    assert (project["name"], project["team"]) == ("web", "search")
    assert (await running.client.get("/admin/teams")).json() == {"object": "list", "data": [team]}
    assert (await running.client.get("/admin/projects")).json() == {"object": "list", "data": [project]}
    for path in ("/admin/projects/web", "/admin/teams/search"):
        assert (await running.client.delete(path)).json() == {"name": path.rpartition("/")[2], "deleted": True}
        assert (await running.client.delete(path)).status_code == 404
    assert (await running.client.get("/admin/teams")).json()["data"] == []


async def test_what_is_in_use_is_not_deleted(running: Inside) -> None:
    await made(running, "/admin/teams", name="search")
    await made(running, "/admin/projects", name="web", team="search")
    key = await made(running, "/admin/keys", name="k", project="web")
    for path, user in (("/admin/projects/web", key["id"]), ("/admin/teams/search", "web")):
        refused = await running.client.delete(path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
        assert user in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("/admin/teams", {}, "name", "invalid_value"),
        ("/admin/teams", {"name": "A B"}, "name", "invalid_name"),
        ("/admin/teams", {"name": "x", "created": 1}, "created", "invalid_value"),
        ("/admin/teams", {"name": "x", "description": "\x00"}, "description", "invalid_value"),
        ("/admin/teams", {"name": "search"}, "name", "conflict"),
        ("/admin/projects", {"name": "x"}, "team", "invalid_value"),
        ("/admin/projects", {"name": "x", "team": "ghost"}, "team", "unknown_team"),
        ("/admin/projects", {"name": "../x", "team": "search"}, "name", "invalid_name"),
    ],
)
async def test_the_field_at_fault_is_named(
    running: Inside, path: str, body: dict[str, Any], param: str, code: str
) -> None:
    await made(running, "/admin/teams", name="search")
    reply = await running.client.post(path, json=body)
    error = reply.json()["error"]
    assert (error["param"], error["code"]) == (param, code)
    assert reply.status_code == (409 if code == "conflict" else 400)
    assert len((await running.client.get("/admin/teams")).json()["data"]) == 1
    assert (await running.client.get("/admin/projects")).json()["data"] == []
