"""Holds through the admin API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inside import Inside

pytestmark = pytest.mark.anyio


async def test_a_hold_is_set_listed_and_lifted(running: Inside) -> None:
    made = await running.client.post("/admin/retention/holds", json={"project": "p", "reason": "the case"})
    assert made.status_code == 201
    hold = made.json()
    assert (hold["project"], hold["key_id"], hold["reason"], hold["lifted"]) == ("p", None, "the case", None)
    assert hold["created_by"].startswith("key_")

    async def listed(**query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await running.client.get("/admin/retention/holds", params=query)).json()["data"]
        return rows

    assert await listed() == [hold]
    lifted = await running.client.delete(f"/admin/retention/holds/{hold['id']}")
    assert (lifted.status_code, lifted.json()["lifted"]) == (200, True)
    assert await listed() == []
    (kept,) = await listed(lifted=True)
    assert kept["lifted"] >= hold["created"]
    again = await running.client.delete(f"/admin/retention/holds/{hold['id']}")
    assert (again.status_code, again.json()["error"]["param"]) == (404, "hold_id")


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "everything?"},
        {"project": "p"},
        {"project": "", "reason": "r"},
        {"key": "k" * 33, "reason": "r"},
        {"team": "t", "reason": "r"},
        {"endpoint": "e\0", "reason": "r"},
    ],
)
async def test_a_hold_that_cannot_be(running: Inside, body: dict[str, str]) -> None:
    reply = await running.client.post("/admin/retention/holds", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_value")
    assert (await running.client.get("/admin/retention/holds")).json()["data"] == []


async def test_a_viewer_sees_holds_and_changes_none(running: Inside) -> None:
    viewer = await running.key("viewer")
    assert (await running.client.get("/admin/retention/holds", headers=viewer)).status_code == 200
    refused = await running.client.post("/admin/retention/holds", json={"key": "k", "reason": "r"}, headers=viewer)
    assert refused.status_code == 403
    assert (await running.client.delete("/admin/retention/holds/h", headers=viewer)).status_code == 403
