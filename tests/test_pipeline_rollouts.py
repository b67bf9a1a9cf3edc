"""A canary as clients meet it: which release answers, for whom, and what is recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.types import Principal, Release
from tests.inside import Inside, inside
from tests.trials import CANDIDATE, MANIFEST, PROMPT, bring, records

pytestmark = pytest.mark.anyio

ANYBODY = Principal("key_1", "n")
UPSTREAMS = {name: {"provider": "scripted", "model": "m", "rules": [{"say": name}]} for name in ("old", "new")}


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        await running.apply(MANIFEST)
        await running.services.refresher.refresh()
        yield running


async def ask(whole: Inside, key: dict[str, str], said: str = "Hi.", **more: Any) -> Any:
    headers = key | more.pop("headers", {})
    body = {"model": "bot", "messages": [{"role": "user", "content": said}], **more}
    reply = await whole.client.post("/v1/chat/completions", json=body, headers=headers)
    assert reply.status_code == 200, reply.text
    return reply


def answer(reply: Any) -> str:
    said: str = reply.json()["choices"][0]["message"]["content"]
    return said


async def test_the_release_that_a_reply_names_is_the_one_that_made_it(whole: Inside) -> None:
    key = await whole.key()
    trial = bring(whole, weight=0.5)
    live = whole.services.refresher.snapshots.current.resolve("bot", ANYBODY).digest
    replies = [await ask(whole, key, user=f"user {number}") for number in range(40)]
    kept = await records(whole)
    arms = set()
    for reply in replies:
        record = kept[reply.headers["x-request-id"]]
        arms.add(record.arm)
        expected = (live, "old", "live") if record.arm == "live" else (CANDIDATE.digest, "new", "candidate")
        assert (reply.headers["x-sluice-release"], answer(reply), record.arm) == expected
        assert (record.release, record.upstream) == expected[:2]
        assert (record.rollout, record.step, record.pair) == (trial.rollout, trial.step, None)
    assert arms == {"live", "candidate"}
    assert len({record.unit for record in kept.values()}) == 40


async def test_a_conversation_stays_on_its_arm(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, weight=0.5)
    for number in range(12):
        messages = [{"role": "user", "content": f"Question {number}"}]
        first = answer(await ask(whole, key, messages=messages))
        for _ in range(2):
            messages += [{"role": "assistant", "content": first}, {"role": "user", "content": "And then?"}]
            assert answer(await ask(whole, key, messages=messages)) == first


async def test_a_stored_conversation_stays_on_its_arm(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, weight=0.5)
    seen = set()
    for number in range(64):  # drawn by chance, whose other arm may be long in coming
        body = {"model": "bot", "input": f"Question {number}"}
        first = await whole.client.post("/v1/responses", json=body, headers=key)
        later = {"model": "bot", "input": "And then?", "previous_response_id": first.json()["id"]}
        second = await whole.client.post("/v1/responses", json=later, headers=key)
        assert second.status_code == 200, second.text
        assert first.headers["x-sluice-release"] == second.headers["x-sluice-release"]
        seen.add(first.headers["x-sluice-release"])
        if number >= 7 and len(seen) == 2:
            break
    assert len(seen) == 2


async def test_who_is_on_the_candidate_stays_there_as_its_share_grows(whole: Inside) -> None:
    key = await whole.key()
    before: set[int] = set()
    for weight in (0.1, 0.5, 0.9):
        bring(whole, weight=weight)
        now = {n for n in range(30) if answer(await ask(whole, key, f"Question {n}")) == "new"}
        assert before <= now
        assert now
        before = now


async def test_a_reply_kept_by_one_arm_is_not_given_by_the_other(whole: Inside) -> None:
    await whole.apply("endpoints: {bot: {upstream: old, cache: {ttl: 1h}}}")
    key = await whole.key()
    bring(whole, weight=0.5)
    for number in range(20):
        headers = {"x-sluice-cache": "on", "x-sluice-conversation": f"c{number}"}
        reply = await ask(whole, key, headers=headers)
        live = reply.headers["x-sluice-release"] != CANDIDATE.digest
        assert answer(reply) == ("old" if live else "new")


async def test_a_canary_that_ends_is_over_for_the_next_call(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, weight=0.999)
    assert answer(await ask(whole, key)) == "new"
    snapshots = whole.services.refresher.snapshots
    ended = {"bot": replace(snapshots.current.endpoints["bot"], trial=None)}
    snapshots.swap(replace(snapshots.current, endpoints=ended))
    reply = await ask(whole, key)
    assert answer(reply) == "old"
    record = (await records(whole))[reply.headers["x-request-id"]]
    assert (record.rollout, record.arm, record.step, record.unit) == (None, None, None, None)


async def test_what_the_candidate_refuses_is_told_against_it(whole: Inside) -> None:
    key = await whole.key()
    bring(whole, Release("f" * 64, PROMPT, "new"), weight=0.999)
    reply = await whole.client.post("/v1/embeddings", json={"model": "bot", "input": ["Hi."]}, headers=key)
    assert reply.status_code == 400
    record = (await records(whole))[reply.headers["x-request-id"]]
    assert (record.arm, record.release, record.error) == ("candidate", "f" * 64, "unsupported_operation")


async def test_an_evaluator_asks_the_candidate_by_its_digest(whole: Inside) -> None:
    keys = {role: await whole.key(*([role] if role else [])) for role in ("evaluator", "viewer", "")}
    bring(whole, sample=1.0)
    body = {"model": "bot@c0ffee00", "messages": [{"role": "user", "content": "Hi."}]}
    replies = {
        role: await whole.client.post("/v1/chat/completions", json=body, headers=key) for role, key in keys.items()
    }
    assert [reply.status_code for reply in replies.values()] == [200, 404, 404]
    assert replies["viewer"].json()["error"]["code"] == "model_not_found"
    asked = replies["evaluator"]
    assert (answer(asked), asked.headers["x-sluice-release"]) == ("new", CANDIDATE.digest)
    kept = await records(whole)
    record = kept[asked.headers["x-request-id"]]
    assert (record.rollout, record.arm, record.step, record.unit) == ("roll_1", "candidate", None, None)
    assert (record.asked, record.endpoint) == ("bot@c0ffee00", "bot")
    assert not [one for one in kept.values() if one.arm == "shadow"]
