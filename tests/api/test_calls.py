"""Records of calls through the admin API, refused ones included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.record import CallRecord
from gateway.store import calls
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
        assert reply.json()["next"] is None or "limit" in query
        return [record["id"] for record in reply.json()["data"]]

    assert await found() == made[::-1]
    assert await found(limit=2) == made[:0:-1]
    assert await found(endpoint="bot") == made[:1]
    assert await found(errors=True) == made[2:]
    assert await found(key="key_unknown") == []
    key_id = (await shipped(running, made[0]))["key_id"]
    assert await found(key=key_id, since="1h", until="0s") == made[::-1]
    assert await found(since="2200-01-01") == await found(until="2h") == []
    assert await found(status="4xx") == await found(status=404) == await found(error="model_not_found") == made[2:]
    assert await found(model="demo") == made[1:2]
    assert await found(upstream="demo", finish="stop", surface="chat", stream=False) == made[1::-1]
    assert await found(stream=True) == await found(min_cost=1) == await found(min_seconds=60) == []
    assert await found(client_request_id="mine", min_cost=0.000001) == made[1::-1]
    assert await found(id=made[1]) == made[1:2]
    refused = await shipped(running, made[2])
    assert (refused["status"], refused["error"], refused["upstream"], refused["cost"]) == (
        404,
        "model_not_found",
        None,
        0,
    )


async def test_by_rollout_arm_and_pair(running: Inside) -> None:
    live = CallRecord("req_live", 1, "chat", 200, rollout="ro_1", arm="live")
    shadow = CallRecord("req_shadow", 2, "chat", 200, rollout="ro_1", arm="shadow", pair="req_live")
    await running.services.write(lambda connection: calls.ship(connection, "one", 1, [live, shadow]))
    for query, found in (
        ({"rollout": "ro_1"}, ["req_shadow", "req_live"]),
        ({"rollout": "ro_1", "arm": "live"}, ["req_live"]),
        ({"pair": "req_live"}, ["req_shadow"]),
        ({"rollout": "ro_2"}, []),
    ):
        reply = await running.client.get("/admin/calls", params=query)
        assert [record["id"] for record in reply.json()["data"]] == found


async def test_a_parameter_given_twice_is_refused(running: Inside) -> None:
    """Which of the two is meant, nobody can tell: no answer must look as if it were for both."""
    for path in (
        "/admin/calls?key=a&key=b",
        "/admin/usage?by=key&since=1d&by=team",
        "/admin/calls?key=a&limit=1&key=a",
    ):
        error = (await running.client.get(path)).json()["error"]
        assert error["code"] == "duplicate_key"
        assert error["param"] in ("key", "by")


async def test_page_by_page(running: Inside) -> None:
    made = [(await ask(running, "bot")).headers["x-request-id"] for _ in range(5)]
    for request_id in made:
        await shipped(running, request_id)
    query: dict[str, Any] = {"limit": 2, "endpoint": "bot"}
    found: list[str] = []
    while True:
        page = (await running.client.get("/admin/calls", params=query)).json()
        found += [record["id"] for record in page["data"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert found == made[::-1]


async def test_what_was_spent(running: Inside) -> None:
    replies = [await ask(running, model) for model in ("bot", "demo", "bot", "nowhere")]
    records = [await shipped(running, reply.headers["x-request-id"]) for reply in replies]
    cost = {name: sum(one["cost"] for one in records if one["endpoint"] == name) for name in ("bot", None)}

    async def usage(**query: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await running.client.get("/admin/usage", params=query)).json()["data"]
        return rows

    (bot,) = await usage()
    assert (bot["name"], bot["calls"], bot["errors"], bot["cost"]) == ("bot", 2, 0, cost["bot"])
    (key,) = await usage(by="key", since="0s")
    assert (key["calls"], key["errors"], key["cost"]) == (4, 1, cost["bot"] + cost[None])
    assert await usage(by="team") == await usage(since="2d", until="2d") == []


@pytest.mark.parametrize("query", [{"by": "colour"}, {"since": "soon"}, {"until": "5y"}, {"untill": "1d"}])
async def test_usage_that_makes_no_sense_is_named(running: Inside, query: dict[str, Any]) -> None:
    reply = await running.client.get("/admin/usage", params=query)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, next(iter(query)))


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "many"},
        {"errors": "perhaps"},
        {"status": "9xx"},
        {"status": "20"},
        {"since": "yesterday"},
        {"until": "2026-13-01"},
        {"surface": "telepathy"},
        {"min_cost": -1},
        {"min_seconds": "nan"},
        {"after": "nowhere"},
        {"end_point": "bot"},
    ],
)
async def test_a_query_that_makes_no_sense_is_named(running: Inside, query: dict[str, Any]) -> None:
    reply = await running.client.get("/admin/calls", params=query)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, next(iter(query)))


async def test_a_record_that_is_not_there(running: Inside) -> None:
    reply = await running.client.get("/admin/calls/req_unknown")
    assert (reply.status_code, reply.json()["error"]["param"]) == (404, "request_id")
