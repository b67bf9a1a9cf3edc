"""Which calls a person is to look at: marked in the record, from what every guard did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.guarding.notes import told
from gateway.guarding.review import MARKS, NEAR, mark, near
from guardrails.verdict import ACTIONS, Action, Verdict
from tests.inside import Inside, inside
from tests.trials import records

POLICY = """
policies:
  strict:
    input:
      - {guard: patterns, name: words, words: [frobozz], action: block}
      - {guard: patterns, name: mild, words: [xyzzy], action: flag}
      - {guard: patterns, name: tickets, patterns: {ticket: 'T-[0-9]{4}'}, action: redact}
  tried:
    dry_run: true
    input: [{guard: patterns, name: held, words: [frobozz], action: ask}]
endpoints:
  bot: {upstream: up, policy: strict, cache: {ttl: 60s}}
  tried: {upstream: up, policy: tried}
"""


def verdict(action: Action = "allow", score: float | None = 0.0, **more: Any) -> Verdict:
    return Verdict("g", "input", "messages.0.content", action, score, 0.5, 1.0, **more)


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"up": {"provider": "scripted", "model": "m"}}) as running:
        await running.apply(POLICY)
        await running.services.refresher.refresh()
        yield running


async def ask(whole: Inside, said: str, model: str = "bot", **headers: str) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": said}]}
    return await whole.client.post("/v1/chat/completions", json=body, headers={**await whole.key(), **headers})


@pytest.mark.parametrize(
    ("said", "model", "marked"),
    [
        ("Say frobozz.", "bot", "block"),
        ("Say xyzzy.", "bot", "flag"),
        ("Say xyzzy and frobozz.", "bot", "block"),
        ("Look at T-1234.", "bot", None),
        ("Hello.", "bot", None),
        ("Say frobozz.", "tried", "ask"),
    ],
)
@pytest.mark.anyio
async def test_a_record_says_what_guards_did(whole: Inside, said: str, model: str, marked: str | None) -> None:
    reply = await ask(whole, said, model)
    found = (await records(whole))[reply.headers["x-request-id"]]
    assert found.review == marked


@pytest.mark.anyio
async def test_a_kept_reply_tells_what_guards_did_when_it_was_made(whole: Inside) -> None:
    body = {"model": "bot", "messages": [{"role": "user", "content": "Say xyzzy."}]}
    headers = {**await whole.key(), "x-sluice-cache": "on"}
    replies = []
    for _ in range(2):
        replies.append(await whole.client.post("/v1/chat/completions", json=body, headers=headers))
        await whole.services.pipeline._replies._writes.join()
    found = await records(whole)
    first, second = (found[reply.headers["x-request-id"]] for reply in replies)
    assert (first.replayed, second.replayed) == (None, "cache")
    told_first, told_second = orjson.loads(first.guards or ""), orjson.loads(second.guards or "")
    assert [{**entry, "ms": 0.0, "kept": True} for entry in told_first] == told_second
    assert {entry["action"] for entry in told_second} == {"allow", "flag"}
    assert orjson.loads(replies[1].headers["x-sluice-guards"]) == told_second
    assert (first.review, second.review) == ("flag", None), "one to look at"


def test_near_is_a_share_of_the_threshold() -> None:
    assert near(verdict(score=0.5 * NEAR))
    assert near(verdict(score=0.4999))
    assert not near(verdict(score=0.5))
    assert not near(verdict(score=0.0))
    assert not near(verdict(score=None, not_run="no model"))
    assert [entry.get("near") for entry in told([verdict(score=0.45)])] == [True]


def test_what_a_person_let_through_is_decided() -> None:
    assert mark([verdict(score=1.0, allowed_by="Ada said so.")]) is None


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.none() | st.floats(0, 1), st.sampled_from((None, *ACTIONS)))))
def test_a_call_has_the_mark_of_its_strictest_verdict(found: list[tuple[Action, float | None, Action | None]]) -> None:
    verdicts = [
        verdict(action, score, would=would, not_run=None if score is not None else "no model")
        for action, score, would in found
    ]
    marked = mark(verdicts)
    each = [mark([one]) for one in verdicts]
    ranks = [MARKS.index(one) for one in each if one is not None]
    assert marked == (MARKS[max(ranks)] if ranks else None)
    assert (marked is None) == all(
        (one.would or one.action) in ("allow", "redact") and not near(one) for one in verdicts
    )
