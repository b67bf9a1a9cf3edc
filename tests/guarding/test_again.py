"""Answers that documents do not bear out: the model answers once more, told what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.guarding.billing import added
from tests.inside import Inside, inside
from tests.trials import records

pytestmark = pytest.mark.anyio

DOCUMENT = "The bridge was built in 1874 by James Eads. It has three arches. No cars cross it."
FINE = "The bridge was built in 1874 by James Eads."
INVENTED = "Dragons sleep beneath warm golden hills in Patagonia."
RULES = [
    {"when": "do not bear out what you said:\n- Dragons", "say": FINE},
    {"when": "do not bear out what you said:\n- Unicorns", "say": "Unicorns graze on distant purple moons tonight."},
    {"when": "do not bear out what you said:\n- Gnomes", "status": 500, "say": "Oops."},
    {"when": "dragons", "say": INVENTED},
    {"when": "unicorns", "say": "Unicorns graze on distant purple moons tonight."},
    {"when": "gnomes", "say": "Gnomes polish silver lanterns under frozen lakes."},
    {"when": "bridge", "say": FINE},
]
POLICY = """
policies:
  grounded:
    output:
      - {guard: groundedness, action: block, ask_again: true, message: I do not know.}
  flagging:
    output:
      - {guard: groundedness, ask_again: true}
endpoints:
  bot: {upstream: up, policy: grounded}
  told: {upstream: up, policy: flagging}
"""


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"up": {"provider": "scripted", "model": "m", "rules": RULES}}) as running:
        await running.apply(POLICY)
        await running.services.refresher.refresh()
        yield running


async def ask(whole: Inside, said: str, **more: Any) -> Any:
    tool = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Read it."},
        {"role": "assistant", "content": None, "tool_calls": [tool]},
        {"role": "tool", "tool_call_id": "call_1", "content": DOCUMENT},
        {"role": "user", "content": said},
    ]
    body = {"model": "bot", "messages": messages, **more}
    return await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())


def answer(reply: Any) -> Any:
    return reply.json()["choices"][0]["message"]


async def told(whole: Inside) -> tuple[Any, dict[str, Any], list[Any]]:
    """The record, its verdict on groundedness, and the codes of the attempts."""
    (record,) = (await records(whole)).values()
    (verdict,) = [one for one in orjson.loads(record.guards or "[]") if one["guard"] == "groundedness"]
    return record, verdict, [one[1] for one in orjson.loads(record.attempts or "[]")]


async def test_what_is_borne_out_is_asked_once(whole: Inside) -> None:
    assert answer(await ask(whole, "Who built the bridge?"))["content"] == FINE
    assert (await told(whole))[2] == []


@pytest.mark.parametrize("model", ["bot", "told"])
async def test_what_is_not_is_asked_once_more_and_both_are_billed(whole: Inside, model: str) -> None:
    reply = await ask(whole, "Where do dragons sleep?", model=model)
    assert answer(reply)["content"] == FINE
    record, verdict, attempts = await told(whole)
    assert verdict["action"] == "allow"
    assert attempts == ["asked_again", None]
    alone = await ask(whole, "Who built the bridge?", model=model)
    assert record.output_tokens > alone.json()["usage"]["completion_tokens"]
    assert reply.json()["usage"]["completion_tokens"] == record.output_tokens
    assert reply.json()["usage"]["prompt_tokens"] == record.input_tokens


async def test_a_second_answer_that_is_no_better_is_acted_on(whole: Inside) -> None:
    refused = answer(await ask(whole, "Where are unicorns?"))
    assert refused["refusal"] == "I do not know."
    assert (await told(whole))[1]["action"] == "block"


async def test_where_there_is_no_second_the_first_stands(whole: Inside) -> None:
    refused = answer(await ask(whole, "What do gnomes do?"))
    assert refused["refusal"] == "I do not know."
    record, verdict, attempts = await told(whole)
    assert (record.status, verdict["action"]) == (200, "block")
    assert attempts == ["asked_again", "upstream_failed", None]


async def test_a_stream_is_not_asked_again(whole: Inside) -> None:
    reply = await ask(whole, "Where do dragons sleep?", stream=True)
    assert '"finish_reason":"content_filter"' in reply.text
    assert (await told(whole))[2] == []


def test_usage_is_summed_field_by_field() -> None:
    first = {"usage": {"prompt_tokens": 3, "details": {"cached": 1, "audio": None}, "service": "a"}}
    second = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "details": {"cached": 4}}}
    found = orjson.loads(added(orjson.dumps(second), orjson.dumps(first)))
    assert found["usage"] == {
        "prompt_tokens": 8,
        "completion_tokens": 2,
        "details": {"cached": 5, "audio": None},
        "service": "a",
    }


@pytest.mark.parametrize("first", [b"{}", b"[]", b"no JSON", b'{"usage": null}'])
def test_without_the_usage_of_one_the_other_s_is_left(first: bytes) -> None:
    second = b'{"usage":{"prompt_tokens":5}}'
    assert orjson.loads(added(second, first)) == orjson.loads(second)
