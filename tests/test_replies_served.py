"""Kept replies as a client gets them from a whole gateway, and what the records say of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.store.search import Filter, recent
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio

UPSTREAMS = {
    "demo": {
        "provider": "scripted",
        "price": {"input": 1_000_000, "output": 1_000_000},
        "rules": [{"when": "busy", "status": 429}, {"when": "wrong", "status": 400}],
    }
}
KEY = {"idempotency-key": "order 17"}


def chat(words: str, **more: Any) -> dict[str, Any]:
    return {"model": "demo", "messages": [{"role": "user", "content": words}], **more}


async def post(running: Inside, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return await running.client.post(f"/v1/{path}", json=body, headers=names)


async def records(running: Inside) -> list[Any]:
    """Of all calls, oldest first."""
    await asyncio.to_thread(running.services.shipper.ship)
    return (await running.services.read(lambda connection: recent(connection, Filter(limit=100))))[::-1]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_sent_again_is_answered_once_and_billed_once(tmp_path: Path, stream: bool) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        headers = {**await running.key(), **KEY}
        first = await post(running, "chat/completions", chat("one two", stream=stream), **headers)
        again = await post(running, "chat/completions", chat("one two", stream=stream), **headers)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["content-type"] == first.headers["content-type"]
        assert (first.headers.get("x-sluice-replayed"), again.headers["x-sluice-replayed"]) == (None, "true")
        assert first.headers["x-request-id"] != again.headers["x-request-id"]
        asked, replayed = await records(running)
        assert (asked.replayed, asked.cost > 0, asked.output_tokens) == (None, True, 2)
        assert (replayed.replayed, replayed.status, replayed.upstream) == ("idempotency", 200, None)
        assert (replayed.cost, replayed.input_tokens, replayed.output_tokens) == (0, 0, 0)


async def test_the_clients_fault_is_given_again_and_a_passing_one_is_not(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        headers = await running.key()
        for words, kept in (("wrong", True), ("busy", False)):
            replies = [
                await post(running, "chat/completions", chat(words), idempotency_key=words, **headers) for _ in range(2)
            ]
            assert replies[0].content == replies[1].content
            assert [reply.headers.get("x-sluice-replayed") for reply in replies] == [None, "true" if kept else None]
        wrong, again, *_ = await records(running)
        assert (again.status, again.error, again.replayed) == (400, wrong.error, "idempotency")


async def test_a_key_that_came_with_another_body_is_told_so(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        headers = {**await running.key(), **KEY}
        await post(running, "chat/completions", chat("one"), **headers)
        refused = await post(running, "chat/completions", chat("two"), **headers)
        assert refused.status_code == 422
        assert refused.json()["error"]["code"] == "idempotency_key_reused"
        assert refused.headers["x-should-retry"] == "false"


async def test_a_response_made_in_the_background_is_made_once(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        headers = {**await running.key(), **KEY}
        body = {"model": "demo", "input": "hello", "background": True}
        first = await post(running, "responses", body, **headers)
        again = await post(running, "responses", body, **headers)
        assert first.json()["id"] == again.json()["id"]
        assert again.headers["x-sluice-replayed"] == "true"


# The cache -----------------------------------------------------------------------------------------------------------

CACHED = "endpoints: {bot: {upstream: demo, cache: {ttl: 1h}}, other: {upstream: demo}}"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_endpoint_that_allows_it_answers_equal_requests_from_the_cache(tmp_path: Path, stream: bool) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        await running.apply(CACHED)
        headers = {**await running.key(), "x-sluice-cache": "on"}
        body = chat("one two", model="bot", stream=stream)
        first = await post(running, "chat/completions", body, **headers)
        await running.services.pipeline._replies.close()
        again = await post(running, "chat/completions", body, **headers)
        assert again.content == first.content
        assert (first.headers["x-sluice-cache"], again.headers["x-sluice-cache"]) == ("miss", "hit")
        assert again.headers["age"] == "0"
        assert again.headers["x-sluice-release"] == first.headers["x-sluice-release"]
        asked, hit = await records(running)
        assert (asked.replayed, asked.cost > 0) == (None, True)
        assert (hit.replayed, hit.cost, hit.output_tokens, hit.endpoint) == ("cache", 0, 0, "bot")


async def test_an_endpoint_that_does_not_allow_it_asks_each_time(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        await running.apply(CACHED)
        headers = {**await running.key(), "x-sluice-cache": "on"}
        for model in ("other", "demo"):
            replies = [await post(running, "chat/completions", chat("one", model=model), **headers) for _ in range(2)]
            assert ["x-sluice-cache" in reply.headers for reply in replies] == [False, False]
        assert [record.replayed for record in await records(running)] == [None] * 4


async def test_a_new_release_knows_no_reply_of_the_one_before(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        headers = {**await running.key(), "x-sluice-cache": "on"}
        for temperature in (0.1, 0.2):
            await running.apply(CACHED.replace("demo,", f"demo, parameters: {{temperature: {temperature}}},"))
            reply = await post(running, "chat/completions", chat("one", model="bot"), **headers)
            assert reply.headers["x-sluice-cache"] == "miss"
            await running.services.pipeline._replies.close()
