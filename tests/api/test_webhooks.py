"""Webhooks through the admin API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.client import verify_webhook
from gateway.store import webhooks
from tests.answering import Told, answering
from tests.inside import Inside, inside
from tests.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def told() -> Iterator[Told]:
    with answering() as server:
        server.answer(200, b"")
        yield server


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, webhooks={"private": True}) as started:
        started.client.headers.update(await started.key("admin", owner="ada"))
        yield started


async def created(running: Inside, url: str, **body: Any) -> dict[str, Any]:
    reply = await running.client.post("/admin/webhooks", json={"url": url, **body})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def deliveries(running: Inside, webhook: str, **query: Any) -> list[dict[str, Any]]:
    reply = await running.client.get(f"/admin/webhooks/{webhook}/deliveries", params=query)
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


async def test_a_change_reaches_who_subscribed(running: Inside, told: Told) -> None:
    made = await created(running, told.url, events=["teams."])
    assert (await running.client.post("/admin/teams", json={"name": "search"})).status_code == 201
    await until(lambda: bool(told.asked))
    [asked] = told.asked
    said = verify_webhook(made["secret"], asked.headers, asked.raw)
    assert (said["type"], said["data"]["object"], said["data"]["actor"]) == ("teams.create", "team:search", "ada")

    async def arrived() -> bool:
        return [one["state"] for one in await deliveries(running, made["id"])] == ["delivered"]

    await until(arrived)
    [one] = await deliveries(running, made["id"])
    assert one["body"] == said
    assert one["message"] == asked.headers["webhook-id"]
    assert one["due"] is None


async def test_the_secret_is_shown_once_and_kept_sealed(running: Inside, told: Told) -> None:
    made = await created(running, told.url)
    listed = await running.client.get("/admin/webhooks")
    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in listed.text
    [row] = await running.services.read(webhooks.list_all)
    assert made["secret"] not in row.secret
    audit = await running.client.get("/admin/audit")
    assert made["secret"] not in audit.text


async def test_a_test_and_a_message_sent_again(running: Inside, told: Told) -> None:
    made = await created(running, told.url, events=["teams."])
    sent = await running.client.post(f"/admin/webhooks/{made['id']}/test")
    assert (sent.status_code, sent.json()["state"]) == (202, "waiting")
    await until(lambda: len(told.asked) == 1)
    again = await running.client.post(f"/admin/webhooks/{made['id']}/deliveries/{sent.json()['id']}/redeliver")
    assert again.json()["id"] != sent.json()["id"]
    await until(lambda: len(told.asked) == 2)
    assert {one.headers["webhook-id"] for one in told.asked} == {sent.json()["message"]}
    assert {one.body["type"] for one in told.asked} == {"webhooks.tried"}


async def test_it_is_changed_disabled_and_enabled(running: Inside, told: Told) -> None:
    made = await created(running, told.url)
    path = f"/admin/webhooks/{made['id']}"
    stopped = (await running.client.patch(path, json={"enabled": False})).json()
    assert (stopped["why"], stopped["disabled"] is not None) == ("disabled by ada", True)
    changed = (await running.client.patch(path, json={"enabled": True, "events": ["keys."]})).json()
    assert (changed["disabled"], changed["why"], changed["events"]) == (None, None, ["keys."])
    assert (await running.client.patch(path, json={})).json() == changed
    [listed] = (await running.client.get("/admin/webhooks")).json()["data"]
    assert listed == changed


async def test_it_is_deleted_with_what_was_on_its_way(running: Inside) -> None:
    made = await created(running, "http://127.0.0.1:1/")
    await running.client.post(f"/admin/webhooks/{made['id']}/test")
    gone = await running.client.delete(f"/admin/webhooks/{made['id']}")
    assert gone.json() == {"id": made["id"], "deleted": True}
    assert (await running.client.get("/admin/webhooks")).json()["data"] == []
    assert (await running.client.get(f"/admin/webhooks/{made['id']}/deliveries")).status_code == 404


async def test_deliveries_are_found_by_page_and_state(running: Inside) -> None:
    made = await created(running, "http://127.0.0.1:1/", events=["teams."])
    for _ in range(3):
        await running.client.post(f"/admin/webhooks/{made['id']}/test")
    newest = await deliveries(running, made["id"], limit=2)
    [oldest] = await deliveries(running, made["id"], before=newest[-1]["id"])
    assert [one["id"] for one in [*newest, oldest]] == sorted((one["id"] for one in [*newest, oldest]), reverse=True)
    assert len(await deliveries(running, made["id"], state="waiting")) == 3
    assert await deliveries(running, made["id"], state="given_up") == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "url"),
        ({"url": "not an address"}, "url"),
        ({"url": "http://169.254.169.254/"}, "url"),
        ({"url": "https://example.com/" + "x" * 2000}, "url"),
        ({"url": "http://127.0.0.1:1/", "events": []}, "events"),
        ({"url": "http://127.0.0.1:1/", "events": ["prompts."]}, "events"),
        ({"url": "http://127.0.0.1:1/", "secret": "mine"}, "secret"),
    ],
)
async def test_what_cannot_be_is_refused(running: Inside, body: dict[str, Any], param: str) -> None:
    reply = await running.client.post("/admin/webhooks", json=body)
    assert reply.status_code == 400
    assert param in reply.json()["error"]["param"]
    assert (await running.client.get("/admin/webhooks")).json()["data"] == []


@pytest.mark.parametrize("number", ["1", str(2**53)])
async def test_what_is_not_there(running: Inside, number: str) -> None:
    made = await created(running, "http://127.0.0.1:1/", events=["teams."])
    here = f"/admin/webhooks/{made['id']}/deliveries/{number}"
    there = "/admin/webhooks/wh_none"
    client = running.client
    for reply, code in [
        (await client.get(here), "delivery_not_found"),
        (await client.post(f"{here}/redeliver"), "delivery_not_found"),
        (await client.patch(there, json={"enabled": True}), "webhook_not_found"),
        (await client.delete(there), "webhook_not_found"),
        (await client.post(f"{there}/test"), "webhook_not_found"),
    ]:
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, code)


async def test_addresses_are_for_admins_alone(running: Inside) -> None:
    """They may hold a token."""
    for role in ("viewer", "evaluator", "editor", "approver"):
        reply = await running.client.get("/admin/webhooks", headers=await running.key(role))
        assert reply.status_code == 403
