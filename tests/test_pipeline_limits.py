"""Limits and kept replies as a client meets them, through the whole gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio

PRICED = {"input": 1_000_000, "output": 1_000_000}
UPSTREAMS = {
    "demo": {"provider": "scripted", "price": PRICED, "rules": [{"say": "one two three", "when": "", "pause": 0.01}]},
    "broken": {"provider": "scripted", "rules": [{"status": 503}]},
}


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        yield running


async def limited(whole: Inside, **limits: Any) -> dict[str, str]:
    """The header fields of a key with these limits."""
    admin, key = await whole.key("admin"), await whole.key()
    (shown,) = [k for k in (await whole.client.get("/admin/keys", headers=admin)).json()["data"] if not k["roles"]]
    reply = await whole.client.put(f"/admin/limits/key:{shown['id']}", json=limits, headers=admin)
    assert reply.status_code == 200, reply.text
    return key


async def ask(whole: Inside, key: dict[str, str], **more: Any) -> Any:
    headers = key | more.pop("headers", {})
    body = {"model": "demo", "messages": [{"role": "user", "content": "hello"}], **more}
    return await whole.client.post("/v1/chat/completions", json=body, headers=headers)


async def test_requests_a_minute(whole: Inside) -> None:
    key = await limited(whole, requests_per_minute=3)
    replies = [await ask(whole, key) for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429, 429]
    refused = replies[-1]
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert (await ask(whole, await whole.key())).status_code == 200


async def test_a_client_is_told_how_near_its_limits_are(whole: Inside) -> None:
    key = await limited(whole, requests_per_minute=2, tokens_per_minute=9000)
    first, second, third = [await ask(whole, key, max_tokens=100) for _ in range(3)]
    assert first.headers["x-ratelimit-limit-requests"] == "2"
    assert [reply.headers["x-ratelimit-remaining-requests"] for reply in (first, second, third)] == ["1", "0", "0"]
    assert first.headers["x-ratelimit-limit-tokens"] == "9000"
    assert 8000 < int(first.headers["x-ratelimit-remaining-tokens"]) < 8900
    assert first.headers["x-ratelimit-reset-requests"].endswith("s")
    assert third.status_code == 429
    assert "x-ratelimit-limit-requests" not in (await ask(whole, await whole.key())).headers


async def test_refused_and_failed_calls_take_no_tokens(whole: Inside) -> None:
    key = await limited(whole, tokens_per_minute=3000)
    for _ in range(40):
        assert (await ask(whole, key, model="broken", max_tokens=2000)).status_code == 502
    assert (await ask(whole, key, max_tokens=2000)).status_code == 200


async def test_tokens_are_settled_for_what_was_used(whole: Inside) -> None:
    key = await limited(whole, tokens_per_minute=3000)
    for _ in range(10):
        assert (await ask(whole, key, max_tokens=2000)).status_code == 200
    refused = await ask(whole, key, max_tokens=4000)
    assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_at_once(whole: Inside, stream: bool) -> None:
    key = await limited(whole, concurrent=2)
    replies = await asyncio.gather(*(ask(whole, key, stream=stream) for _ in range(6)))
    assert sorted(reply.status_code for reply in replies) == [200, 200, 429, 429, 429, 429]
    assert (await ask(whole, key)).status_code == 200


async def test_a_budget_is_not_passed_and_survives_a_restart(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as whole:
        key = await limited(whole, budget="0.0003usd/day")
        statuses = []
        for _ in range(60):
            statuses.append((await ask(whole, key, max_tokens=100)).status_code)
        assert 429 in statuses
        served = statuses.count(200)
        assert served > 5
        whole.services.shipper.ship()
        refused = await ask(whole, key, max_tokens=100)
        assert refused.json()["error"]["code"] == "insufficient_quota"
    async with inside(tmp_path, upstreams=UPSTREAMS) as whole:
        assert (await ask(whole, key, max_tokens=100)).status_code == 429


async def test_an_endpoints_limits_count_for_all_keys(whole: Inside) -> None:
    await whole.apply("endpoints: {bot: {upstream: demo, limits: {requests_per_minute: 2}}}")
    replies = [await ask(whole, await whole.key(), model="bot") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert (await ask(whole, await whole.key())).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_an_idempotency_key_gives_the_first_reply_again(whole: Inside, stream: bool) -> None:
    key = await whole.key()
    again = {"idempotency-key": "order-17"}
    first = await ask(whole, key, headers=again, stream=stream)
    for _ in range(200):
        second = await ask(whole, key, headers=again, stream=stream)
        if "x-sluice-replayed" in second.headers:
            break
    assert second.headers["x-sluice-replayed"] == "true"
    assert (second.status_code, second.content) == (200, first.content)
    other = await ask(whole, key, headers=again, stream=stream, max_tokens=5)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")


async def test_a_background_response_asked_for_again_is_the_one_under_way(whole: Inside) -> None:
    key = await whole.key()
    body = {"model": "demo", "input": "hello", "background": True, "store": True}
    replies = []
    for _ in range(2):
        headers = key | {"idempotency-key": "job-1"}
        replies.append(await whole.client.post("/v1/responses", json=body, headers=headers))
    assert replies[0].status_code == replies[1].status_code == 200
    assert replies[0].json()["id"] == replies[1].json()["id"]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_equal_request_is_answered_from_the_cache_where_the_endpoint_and_the_client_want_it(
    whole: Inside, stream: bool
) -> None:
    await whole.apply("endpoints: {bot: {upstream: demo, cache: {ttl: 60s}}}")
    key, wish = await whole.key(), {"x-sluice-cache": "on"}
    first = await ask(whole, key, model="bot", stream=stream, headers=wish)
    assert first.headers["x-sluice-cache"] == "miss"
    for _ in range(200):
        second = await ask(whole, key, model="bot", stream=stream, headers=wish)
        if second.headers["x-sluice-cache"] == "hit":
            break
    assert (second.headers["x-sluice-cache"], second.content) == ("hit", first.content)
    assert "x-sluice-cache" not in (await ask(whole, key, model="bot", stream=stream)).headers
    assert (await ask(whole, key, model="demo", headers=wish)).headers.get("x-sluice-cache") is None


async def test_a_replay_costs_nothing_and_says_so_in_its_record(whole: Inside) -> None:
    key = await whole.key("viewer")
    for _ in range(2):
        last = await ask(whole, key, headers={"idempotency-key": "a"})
    whole.services.shipper.ship()
    record = (await whole.client.get(f"/admin/calls/{last.headers['x-request-id']}", headers=key)).json()
    assert (record["replayed"], record["cost"], record["status"]) == ("idempotency", 0, 200)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_said_is_kept_where_the_policy_says_so_and_without_what_is_personal(
    tmp_path: Path, stream: bool
) -> None:
    rules = [{"say": "Write to ada@example.org."}]
    upstreams = {"demo": {"provider": "scripted", "rules": rules}}
    async with inside(tmp_path, upstreams=upstreams, content={"capture": "full"}) as whole:
        editor = await whole.key("editor")
        reply = await ask(whole, editor, stream=stream)
        where = f"/admin/calls/{reply.headers['x-request-id']}/content"
        for _ in range(100):
            kept = await whole.client.get(where, headers=editor)
            if kept.status_code == 200:
                break
            await asyncio.sleep(0.05)
        assert "hello" in kept.text
        assert "Write to" in kept.text
        assert "ada@example.org" not in kept.text
