"""Feedback through the admin API: for those who work with it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.store import feedback
from gateway.store.feedback import Feedback, Served
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio

SAID = Feedback("feedback_0", "req_0", 1000.0, "key_1", "ada", "user", "helpful", 1.0, value=5, seconds_saved=90.0)
SERVED = Served("key_1", "bot", "d1", "rollout_1", "live", 1, "u", None)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    """Three are kept; the last waits for its call."""
    async with inside(tmp_path) as started:
        for number, of in enumerate((SERVED, replace(SERVED, endpoint="other", release="d2"), None)):
            said = replace(SAID, id=f"feedback_{number}", call=f"req_{number}", at=1000.0 + number)
            if of is None:  # as old as the others, it would be given up
                said = replace(said, waiting="own", source="judge", metric="tone", at=time.time())
            await started.services.write(partial(feedback.put, said=said, of=of))
        started.client.headers.update(await started.key("evaluator"))
        yield started


async def found(running: Inside, **query: Any) -> str:
    reply = await running.client.get("/admin/feedback", params=query)
    assert reply.status_code == 200, reply.text
    return "".join(said["id"][-1] for said in reply.json()["data"])


async def test_what_is_shown(running: Inside) -> None:
    reply = await running.client.get("/admin/feedback", params={"endpoint": "bot"})
    assert reply.json() == {
        "object": "list",
        "data": [
            {
                "object": "feedback",
                "id": "feedback_0",
                "call": "req_0",
                "at": 1000.0,
                "key_id": "key_1",
                "by": "ada",
                "source": "user",
                "metric": "helpful",
                "score": 1.0,
                "outcome": None,
                "correction": None,
                "comment": None,
                "value": 5,
                "minutes_saved": 1.5,
                "endpoint": "bot",
                "release": "d1",
                "rollout": "rollout_1",
                "arm": "live",
                "unit": "u",
                "bound": True,
            }
        ],
    }


async def test_newest_first_and_filtered(running: Inside) -> None:
    assert await found(running) == "210"
    assert await found(running, limit=2) == "21"
    assert await found(running, after="feedback_1") == "0"
    assert await found(running, call="req_1") == await found(running, release="d2") == "1"
    assert await found(running, rollout="rollout_1") == "10"
    assert await found(running, source="judge") == await found(running, metric="tone") == "2"
    assert await found(running, since="1970-01-01T00:16:41Z", until="1970-01-01T00:16:42Z") == "1"
    assert await found(running, since="1h") == "2"
    assert await found(running, until="1970-01-01T00:16:40Z") == ""


@pytest.mark.parametrize("query", [{"since": "soon"}, {"limit": 0}, {"source": "me"}, {"key": "k"}])
async def test_what_cannot_be_asked(running: Inside, query: dict[str, Any]) -> None:
    reply = await running.client.get("/admin/feedback", params=query)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, next(iter(query)))


async def test_what_people_wrote_is_not_for_everybody(running: Inside) -> None:
    for roles, status in (("viewer",), 403), ((), 403), (("editor",), 200), (("approver",), 200), (("admin",), 200):
        reply = await running.client.get("/admin/feedback", headers=await running.key(*roles))
        assert reply.status_code == status
