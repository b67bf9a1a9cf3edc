"""Records of calls through the admin API, refused ones included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    price = {"input": 1_000_000, "output": 2_000_000}
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted", "price": price}}) as started:
        await started.apply("endpoints: {bot: {upstream: demo}}")
        started.client.headers.update(await started.key("viewer"))
        yield started


async def ask(running: Inside, model: str) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "one two three"}]}
    return await running.client.post("/v1/chat/completions", json=body, headers={"x-client-request-id": "mine"})


async def shipped(running: Inside, request_id: str) -> dict[str, Any]:
    for _ in range(100):
        reply = await running.client.get(f"/admin/calls/{request_id}")
        if reply.status_code == 200:
            found: dict[str, Any] = reply.json()
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"no record of {request_id}")


async def test_what_is_kept_of_a_call(running: Inside) -> None:
    reply = await ask(running, "bot")
    record = await shipped(running, reply.headers["x-request-id"])
    usage = reply.json()["usage"]
    told = {name: record[name] for name in ("surface", "status", "error", "asked", "endpoint", "upstream", "provider")}
    assert told == {
        "surface": "chat",
        "status": 200,
        "error": None,
        "asked": "bot",
        "endpoint": "bot",
        "upstream": "demo",
        "provider": "scripted",
    }
    assert record["release"] == reply.headers["x-sluice-release"]
    assert (record["input_tokens"], record["output_tokens"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert record["cost"] == record["input_tokens"] + 2 * record["output_tokens"]
    assert (record["finish"], record["client_request_id"], record["stream"]) == ("stop", "mine", False)
    assert 0 <= record["upstream_us"] <= record["total_us"]
    assert "one two three" not in str(record)


async def test_calls_newest_first_and_filtered(running: Inside) -> None:
    made = [(await ask(running, model)).headers["x-request-id"] for model in ("bot", "demo", "nowhere")]
    for request_id in made:
        await shipped(running, request_id)

    async def found(**query: Any) -> list[str]:
        reply = await running.client.get("/admin/calls", params=query)
        return [record["id"] for record in reply.json()["data"]]

    assert await found() == made[::-1]
    assert await found(limit=2) == made[:0:-1]
    assert await found(endpoint="bot") == made[:1]
    assert await found(errors=True) == made[2:]
    assert await found(key_id="key_unknown") == []
    key_id = (await shipped(running, made[0]))["key_id"]
    assert await found(key_id=key_id) == made[::-1]
    refused = await shipped(running, made[2])
    assert (refused["status"], refused["error"], refused["upstream"], refused["cost"]) == (
        404,
        "model_not_found",
        None,
        0,
    )


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "many"}, {"errors": "perhaps"}])
async def test_a_query_that_makes_no_sense_is_named(running: Inside, query: dict[str, Any]) -> None:
    reply = await running.client.get("/admin/calls", params=query)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, next(iter(query)))


async def test_a_record_that_is_not_there(running: Inside) -> None:
    reply = await running.client.get("/admin/calls/req_unknown")
    assert (reply.status_code, reply.json()["error"]["param"]) == (404, "request_id")
