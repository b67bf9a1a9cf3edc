"""The shadow stage: the candidate is asked unseen, after the client, for the rollout's own money."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.amounts import Allowance
from gateway.record import CallRecord
from gateway.shadow import MOST_AT_ONCE
from gateway.types import Release
from gateway.wire.chat import Chat
from tests.e2e.upstream import scripted_upstream
from tests.inside import Inside, inside
from tests.test_pipeline import Taken
from tests.trials import MANIFEST, PROMPT, bring, gauge, records
from tests.waiting import until

pytestmark = pytest.mark.anyio

PRICED = {"input": 1_000_000, "output": 1_000_000}
UPSTREAMS: dict[str, Any] = {
    "old": {"provider": "scripted", "rules": [{"say": "live says so"}]},
    "new": {"provider": "scripted", "price": PRICED, "rules": [{"say": "the candidate says this"}]},
    "slow": {"provider": "scripted", "rules": [{"say": "late", "pause": 60}]},
    "broken": {"provider": "scripted", "rules": [{"status": 503, "say": "Oops."}]},
}
POOLS = {"wavering": {"members": {"broken": 1}, "retries": 0}}
HOSTED = {"type": "web_search"}
OURS = {"type": "function", "function": {"name": "f"}}


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams=UPSTREAMS, pools=POOLS) as running:
        await running.apply(MANIFEST)
        await running.services.refresher.refresh()
        yield running


def candidate(upstream: str = "new", **parts: Any) -> Release:
    return Release("c" * 64, None, upstream, **parts)


async def ask(whole: Inside, key: dict[str, str], path: str = "chat/completions", **more: Any) -> Any:
    headers = key | more.pop("headers", {})
    body = {"model": "bot", **({"messages": [{"role": "user", "content": "Hi."}]} if "chat" in path else {}), **more}
    reply = await whole.client.post(f"/v1/{path}", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply


async def over(whole: Inside) -> list[CallRecord]:
    """The records of all shadows, once none is under way."""
    await until(lambda: gauge(whole, "shadows_in_flight") == 0)
    return [record for record in (await records(whole)).values() if record.arm == "shadow"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_twin_is_recorded_beside_the_call(whole: Inside, stream: bool) -> None:
    key = await whole.key(owner="ada")
    bring(whole, candidate(), sample=1.0)
    reply = await ask(whole, key, stream=stream)
    assert "live" in reply.text
    assert "candidate" not in reply.text
    (shadow,) = await over(whole)
    live = (await records(whole))[reply.headers["x-request-id"]]
    assert (live.rollout, live.arm, live.step, live.pair) == ("roll_1", "live", 0, None)
    assert (shadow.rollout, shadow.arm, shadow.step, shadow.pair) == ("roll_1", "shadow", 0, live.id)
    assert shadow.unit == live.unit
    assert (shadow.release, shadow.upstream, shadow.endpoint) == ("c" * 64, "new", "bot")
    assert (shadow.status, shadow.error, shadow.stream, shadow.finish) == (200, None, stream, "stop")
    assert shadow.cost > 0
    assert shadow.started >= live.started
    assert (shadow.key_id, shadow.owner, shadow.team, shadow.project) == (None, None, None, None)
    assert gauge(whole, "shadows") == 1
    assert gauge(whole, "shadows_cost_micro_usd") == shadow.cost


async def test_a_twin_begins_when_its_call_is_answered_and_recorded(whole: Inside) -> None:
    """Between the last of the live call and the first of its twin the event loop has other work to do."""
    key = await whole.key()
    bring(whole, candidate("slow"), sample=1.0)
    body = orjson.dumps({"model": "bot", "messages": [{"role": "user", "content": "x"}]})
    exchange = Taken(key, body)
    await whole.services.pipeline.serve(Chat(), exchange)
    assert exchange.status == 200
    assert (gauge(whole, "shadows_in_flight"), gauge(whole, "shadows")) == (1, 0)
    assert [record.arm for record in (await records(whole)).values()] == ["live"]
    await until(lambda: gauge(whole, "shadows") == 1)
    assert gauge(whole, "shadows_in_flight") == 1


async def test_only_so_many_are_under_way_and_the_rest_are_counted(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, candidate("slow"), sample=1.0)
    for _ in range(MOST_AT_ONCE + 3):
        await ask(whole, key)
    assert gauge(whole, "shadows_in_flight") == MOST_AT_ONCE
    assert gauge(whole, "shadows_dropped") == 3
    arms = [record.arm for record in (await records(whole)).values()]
    assert arms.count("live") == MOST_AT_ONCE
    assert arms.count(None) == 3


async def test_a_gateway_that_ends_breaks_its_shadows_off(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"upstreams": UPSTREAMS, "pools": POOLS}
    async with inside(tmp_path, **settings) as whole:
        await whole.apply(MANIFEST)
        key = await whole.key()
        bring(whole, candidate("slow"), sample=1.0)
        await ask(whole, key)
        await until(lambda: gauge(whole, "shadows") == 1)
    async with inside(tmp_path, **settings) as again:
        (shadow,) = await over(again)
    assert (shadow.status, shadow.error) == (499, "client_disconnected")


async def test_the_budget_is_not_passed_and_clients_do_not_notice(whole: Inside) -> None:
    key = await whole.key()
    budget = Allowance("rollout:roll_1", budget=250, budget_period="total")
    bring(whole, candidate(), sample=1.0, budget=budget)
    for _ in range(30):
        await ask(whole, key, max_tokens=20)
        await until(lambda: gauge(whole, "shadows_in_flight") == 0)
    shadows = await over(whole)
    assert 0 < sum(shadow.cost for shadow in shadows) <= 250
    assert len(shadows) == gauge(whole, "shadows")
    assert gauge(whole, "shadows") + gauge(whole, "shadows_unfunded") == 30
    assert gauge(whole, "shadows_unfunded") > 0
    assert gauge(whole, "limits_overdrawn") == 0


async def test_where_the_budget_cannot_be_known_clients_are_served_and_nobody_else(tmp_path: Path) -> None:
    state = {"url": "redis://127.0.0.1:9/0", "away": "serve"}
    async with inside(tmp_path, upstreams=UPSTREAMS, state=state) as whole:
        await whole.apply(MANIFEST)
        key = await whole.key()
        bring(whole, candidate(), sample=1.0, budget=Allowance("rollout:roll_1", budget=10**9, budget_period="total"))
        await until(lambda: gauge(whole, "state_failures") > 0)
        await ask(whole, key)
        await until(lambda: gauge(whole, "shadows_unfunded") == 1)
        assert await over(whole) == []


@pytest.mark.parametrize(
    ("tools", "fixed", "skipped"),
    [
        ([HOSTED], [], True),
        ([OURS], [HOSTED], True),
        ([OURS, HOSTED], [], True),
        ([HOSTED], [OURS], False),
        ([OURS], [], False),
    ],
)
async def test_no_tool_is_run_twice(
    whole: Inside, tools: list[dict[str, Any]], fixed: list[dict[str, Any]], skipped: bool
) -> None:
    key = await whole.key()
    bring(whole, candidate(tools=tuple(fixed)), sample=1.0)
    await ask(whole, key, tools=tools)
    assert len(await over(whole)) == (not skipped)
    assert gauge(whole, "shadows_skipped") == skipped


async def test_nothing_is_searched_twice(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, candidate(), sample=1.0)
    await ask(whole, key, web_search_options={})
    assert await over(whole) == []
    assert gauge(whole, "shadows_skipped") == 1


async def test_what_goes_wrong_with_it_is_recorded_and_told_to_no_breaker(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, candidate("wavering"), sample=1.0)
    for _ in range(8):
        await ask(whole, key)
        await until(lambda: gauge(whole, "shadows_in_flight") == 0)
    shadows = await over(whole)
    assert {shadow.status for shadow in shadows} <= {502, 503}
    assert len(shadows) == 8
    assert all(shadow.error for shadow in shadows)
    assert whole.services.refresher.snapshots.current.upstreams["broken"].health.opened == 0


async def test_a_candidate_that_refuses_the_call_fared_badly(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, Release("c" * 64, PROMPT, "new"), sample=1.0)
    await ask(whole, key, "embeddings", input="Hi.")
    (shadow,) = await over(whole)
    assert (shadow.status, shadow.error, shadow.upstream) == (400, "unsupported_operation", None)


@pytest.mark.parametrize("background", [False, True])
async def test_a_response_is_stored_once(whole: Inside, background: bool) -> None:
    key = await whole.key()
    bring(whole, candidate(), sample=1.0)
    reply = await ask(whole, key, "responses", input="Hi.", background=background)
    await until(lambda: gauge(whole, "shadows") == 1)
    assert len(await over(whole)) == 1
    kept = await whole.client.get(f"/v1/responses/{reply.json()['id']}", headers=key)
    assert "live says so" in kept.text
    assert "candidate" not in kept.text


async def test_a_stored_conversation_is_what_the_candidate_answers(whole: Inside) -> None:
    key = await whole.key()
    first = await ask(whole, key, "responses", input="A rather long opening of eight words it is.")
    bring(whole, candidate(), sample=1.0)
    await ask(whole, key, "responses", input="And?", previous_response_id=first.json()["id"])
    (shadow,) = await over(whole)
    assert shadow.input_tokens > 9


async def test_no_upstream_is_asked_to_keep_it_or_to_take_it_for_the_call_itself(tmp_path: Path) -> None:
    said = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    choice = {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
    with scripted_upstream() as listening:
        listening.says({**said, "choices": [choice]})
        far = {"provider": "openai", "model": "m", "base_url": listening.url}
        async with inside(tmp_path, upstreams={**UPSTREAMS, "far": far}) as whole:
            await whole.apply("endpoints: {bot: {upstream: far}}")
            key = await whole.key()
            bring(whole, candidate("far"), sample=1.0)
            headers = {"idempotency-key": "once", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
            await ask(whole, key, headers=headers, store=True, metadata={"a": "b"}, user="ada")
            (shadow,) = await over(whole)
        live, unseen = listening.heard(), listening.heard()
    assert shadow.trace_id is None
    assert live.headers["idempotency-key"] == "once"
    assert (live.body["store"], live.body["metadata"]) == (True, {"a": "b"})
    assert not {"idempotency-key", "traceparent"} & unseen.headers.keys()
    assert unseen.body == {name: value for name, value in live.body.items() if name not in ("store", "metadata")}


async def test_a_twin_keeps_nothing_of_the_client_s(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, candidate("slow"), sample=1.0)
    exchange = Taken(key, orjson.dumps({"model": "bot", "messages": [{"role": "user", "content": "x"}]}))
    gone = weakref.ref(exchange)
    gc.disable()
    try:
        await whole.services.pipeline.serve(Chat(), exchange)
        del exchange
        await until(lambda: gauge(whole, "shadows") == 1)
        assert gone() is None
    finally:
        gc.enable()


async def test_a_reply_that_was_kept_has_no_twin(whole: Inside) -> None:
    await whole.apply("endpoints: {bot: {upstream: old, cache: {ttl: 1h}}}")
    key = await whole.key()
    bring(whole, candidate(), sample=1.0)
    for _ in range(3):
        await ask(whole, key, headers={"x-sluice-cache": "on"})
        assert len(await over(whole)) == 1


async def test_a_sample_is_put_to_it(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, candidate(), sample=0.3)
    for _ in range(60):
        await ask(whole, key)
        await until(lambda: gauge(whole, "shadows_in_flight") == 0)
    shadows = await over(whole)
    kept = (await records(whole)).values()
    assert 0 < len(shadows) < 60
    assert {record.id for record in kept if record.arm == "live"} == {shadow.pair for shadow in shadows}


async def test_a_call_whose_client_left_has_no_twin(whole: Inside) -> None:
    await whole.apply("endpoints: {bot: {upstream: slow}}")
    key = await whole.key()
    bring(whole, candidate(), sample=1.0)
    body = orjson.dumps({"model": "bot", "messages": [{"role": "user", "content": "x"}]})
    left = asyncio.create_task(whole.services.pipeline.serve(Chat(), Taken(key, body)))
    await asyncio.sleep(0.05)
    left.cancel()
    await asyncio.wait([left])
    (record,) = (await records(whole)).values()
    assert (record.status, record.arm) == (499, None)
    assert gauge(whole, "shadows_in_flight") == 0
