"""What was said, through the admin API: for editors."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.store import contents
from gateway.store.contents import Content
from tests.inside import inside

pytestmark = pytest.mark.anyio

CONTENT = Content("req_1", 17, '{"said":"[card]"}', None, {"card": 1}, True)


async def test_the_content_of_a_call_is_for_editors(tmp_path: Path) -> None:
    async with inside(tmp_path) as running:
        await running.services.write(lambda connection: contents.ship(connection, "s", 1, [CONTENT]))
        path = "/admin/calls/req_1/content"
        for role, status in (("viewer", 403), ("editor", 200), ("admin", 200)):
            reply = await running.client.get(path, headers=await running.key(role))
            assert reply.status_code == status
        assert reply.json() == {
            "id": "req_1",
            "started": 17,
            "request": '{"said":"[card]"}',
            "answer": None,
            "redacted": {"card": 1},
            "truncated": True,
        }


async def test_what_is_not_kept_is_not_found(tmp_path: Path) -> None:
    async with inside(tmp_path) as running:
        reply = await running.client.get("/admin/calls/req_9/content", headers=await running.key("editor"))
        assert reply.status_code == 404
        assert reply.json()["error"]["code"] == "not_found"
