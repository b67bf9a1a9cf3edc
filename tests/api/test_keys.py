"""Keys through the admin API: minted, shown once, listed without their secrets, rotated and revoked at once."""

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
    assert made.pop("warnings") == ["There is no endpoint 'a' (yet).", "There is no endpoint 'b' (yet)."]
    assert await status(running, secret) == 200
    listed = (await running.client.get("/admin/keys")).json()
    assert listed["object"] == "list"
    assert listed["data"][1] == made
    assert secret not in str(listed)
    assert made["hint"] == secret[-4:]
    assert (made["roles"], made["endpoints"], made["upstreams"]) == (["viewer"], ["a", "b"], ["demo"])
    assert (made["expires"], made["rotated"], made["revoked"]) == (None, None, None)


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
    ("grant", "param", "code"),
    [
        ({"name": None}, "name", "invalid_value"),
        ({"roles": ["root"]}, "roles", "unknown_role"),
        ({"roles": "admin"}, "roles", "invalid_value"),
        ({"expires": 1}, "expires", "invalid_value"),
        ({"expires": "soon"}, "expires", "invalid_value"),
        ({"endpoints": {}}, "endpoints", "invalid_value"),
        ({"owner": ""}, "owner", "invalid_value"),
        ({"project": "ghost"}, "project", "unknown_project"),
        ({"admin": True}, "admin", "invalid_value"),
        ({"id": "key_mine"}, "id", "invalid_value"),
        ({"digest": "0" * 64}, "digest", "invalid_value"),
    ],
)
async def test_the_field_at_fault_is_named(running: Inside, grant: dict[str, Any], param: str, code: str) -> None:
    reply = await running.client.post("/admin/keys", json={"name": "new", **grant})
    error = reply.json()["error"]
    told = (reply.status_code, error["type"], error["param"], error["code"])
    assert told == (400, "invalid_request_error", param, code)
    assert len((await running.client.get("/admin/keys")).json()["data"]) == 1


async def test_a_number_that_json_does_not_know_grants_nothing(running: Inside) -> None:
    for number in ("NaN", "Infinity", "1e999"):
        raw = f'{{"name": "new", "expires": {number}}}'
        headers = {"content-type": "application/json"}
        reply = await running.client.post("/admin/keys", content=raw, headers=headers)
        assert reply.status_code == 400


async def test_whose_a_key_is(running: Inside) -> None:
    await running.client.post("/admin/teams", json={"name": "search"})
    await running.client.post("/admin/projects", json={"name": "web", "team": "search"})
    made = await minted(running, owner="Ada", project="web")
    assert (made["owner"], made["project"], made["warnings"]) == ("Ada", "web", [])
    assert ((await minted(running))["owner"], (await minted(running))["project"]) == ("new", None)
    caller = running.services.refresher.snapshots.current.keys.authenticate(f"Bearer {made['key']}".encode())
    assert (caller.owner, caller.project, caller.team) == ("Ada", "web", "search")


async def test_a_key_is_assigned_and_may_do_no_more_than_before(running: Inside) -> None:
    await running.client.post("/admin/teams", json={"name": "search"})
    await running.client.post("/admin/projects", json={"name": "web", "team": "search"})
    made = await minted(running)
    path = f"/admin/keys/{made['id']}"
    changed = (await running.client.patch(path, json={"owner": "Ada", "project": "web"})).json()
    kept = {name: value for name, value in made.items() if name not in ("key", "warnings")}
    assert changed == {**kept, "owner": "Ada", "project": "web"}
    caller = running.services.refresher.snapshots.current.keys.authenticate(f"Bearer {made['key']}".encode())
    assert (caller.owner, caller.project, caller.team) == ("Ada", "web", "search")
    for body in ({"roles": ["admin"]}, {"endpoints": None}, {"id": "key_x"}, {"revoked": None}, {"owner": ""}):
        reply = await running.client.patch(path, json=body)
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, next(iter(body)))
    assert (await running.client.get("/admin/keys")).json()["data"][1] == changed
    assert (await running.client.patch("/admin/keys/key_unknown", json={})).status_code == 404


@pytest.mark.parametrize("role", ["editor", "viewer"])
async def test_only_an_admin_makes_an_admin(running: Inside, role: str) -> None:
    made = await minted(running, roles=[role])
    headers = {"authorization": f"Bearer {made['key']}"}
    for path, body in (
        ("/admin/keys", {"name": "mine", "roles": ["admin"]}),
        (f"/admin/keys/{made['id']}/rotate", {"overlap_seconds": 60, "roles": ["admin"]}),
    ):
        assert (await running.client.post(path, json=body, headers=headers)).status_code == 403
    again = await running.client.post(f"/admin/keys/{made['id']}/rotate", json={"roles": ["admin"]})
    assert (again.status_code, again.json()["error"]["param"]) == (400, "roles")
    listed = (await running.client.get("/admin/keys")).json()["data"]
    assert [key["roles"] for key in listed] == [["admin"], [role]]


async def rotated(running: Inside, key_id: str, **body: Any) -> dict[str, Any]:
    reply = await running.client.post(f"/admin/keys/{key_id}/rotate", json=body)
    assert reply.status_code == 200, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def test_a_rotated_key_has_two_secrets_for_a_while(running: Inside) -> None:
    made = await minted(running)
    new = await rotated(running, made["id"], overlap_seconds=60)
    assert await status(running, made["key"]) == await status(running, new["key"]) == 200
    secret, rotation = new.pop("key"), new["rotated"]
    kept = {name: value for name, value in made.items() if name not in ("key", "warnings")}
    [old] = new["former"]
    assert new == {**kept, "hint": secret[-4:], "former": [old], "rotated": rotation}
    assert (old["hint"], old["created"]) == (made["hint"], made["created"])
    assert 0 < old["expires"] - time.time() <= 60
    assert (await running.client.get("/admin/keys")).json()["data"][1] == new


async def test_what_a_key_made_is_still_its_own_after_a_rotation(running: Inside) -> None:
    made = await minted(running, upstreams=["demo"])
    asked = await running.client.post(
        "/v1/responses", json={"model": "demo", "input": "Hi."}, headers={"authorization": f"Bearer {made['key']}"}
    )
    new = await rotated(running, made["id"])
    assert await status(running, new["key"], f"/v1/responses/{asked.json()['id']}") == 200


async def test_without_an_overlap_the_secret_before_is_refused_at_once(running: Inside) -> None:
    made = await minted(running)
    between = await rotated(running, made["id"], overlap_seconds=3600)
    last = await rotated(running, made["id"], overlap_seconds=0)
    assert [await status(running, secret) for secret in (made["key"], between["key"], last["key"])] == [401, 401, 200]


async def test_a_revoked_key_has_no_secret_left(running: Inside) -> None:
    made = await minted(running)
    new = await rotated(running, made["id"])
    await running.client.delete(f"/admin/keys/{made['id']}")
    assert [await status(running, secret) for secret in (made["key"], new["key"])] == [401, 401]
    again = await running.client.post(f"/admin/keys/{made['id']}/rotate", json={})
    assert (again.status_code, again.json()["error"]["param"]) == (404, "key_id")


@pytest.mark.parametrize("overlap", ["-1", "7776001", "NaN", "Infinity", '"soon"', "null"])
async def test_an_overlap_has_an_end(running: Inside, overlap: str) -> None:
    made = await minted(running)
    raw, headers = f'{{"overlap_seconds": {overlap}}}', {"content-type": "application/json"}
    reply = await running.client.post(f"/admin/keys/{made['id']}/rotate", content=raw, headers=headers)
    error = reply.json()["error"]
    assert (reply.status_code, error["param"], error["code"]) == (400, "overlap_seconds", "invalid_value")
    assert await status(running, made["key"]) == 200


async def test_a_name_that_cannot_be_written_makes_no_key(running: Inside) -> None:
    for field in ("endpoints", "upstreams", "roles"):
        body = f'{{"name": "x", "{field}": ["\\ud800"]}}'.encode()
        headers = {"content-type": "application/json"}
        assert (await running.client.post("/admin/keys", content=body, headers=headers)).status_code == 400
    listed = (await running.client.get("/admin/keys")).json()["data"]
    assert "x" not in [key["name"] for key in listed]
