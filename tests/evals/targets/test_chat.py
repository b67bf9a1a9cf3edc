"""A chat API as a target: what it is asked, what is read of its answers, and what counts as a failure."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import orjson
import pytest

from evals.errors import TargetFailed
from evals.sample import Sample, ToolCall, Usage
from evals.targets.base import Asking
from evals.targets.chat import Chat, Prices
from tests.answering import Told, answering

pytestmark = pytest.mark.anyio

SAMPLE = Sample("a", ({"role": "user", "content": "Hi"},))
ASKING = Asking(0, 7)


def completion(**message: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "model": "m-1",
        "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Hello.", **message}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }


@pytest.fixture
def told() -> Iterator[Told]:
    with answering() as made:
        yield made


@pytest.fixture
async def chat(told: Told) -> AsyncIterator[Chat]:
    made = Chat(f"{told.url}/v1/", "sk-x", {"model": "m", "temperature": 0}, True, Prices(input=1.5, output=2))
    yield made
    await made.close()


async def test_what_is_asked(told: Told, chat: Chat) -> None:
    told.answer(200, completion())
    tools = ({"type": "function", "function": {"name": "f"}},)
    await chat.ask(Sample("a", SAMPLE.messages, tools=tools, variables={"x": 1}), ASKING)
    (asked,) = told.asked
    assert (asked.path, asked.headers["authorization"]) == ("/v1/chat/completions", "Bearer sk-x")
    assert asked.body == {
        "model": "m",
        "temperature": 0,
        "seed": 7,
        "messages": list(SAMPLE.messages),
        "tools": list(tools),
        "prompt": {"variables": {"x": 1}},
    }


async def test_what_is_read_of_an_answer(told: Told, chat: Chat) -> None:
    told.answer(200, completion(), x_sluice_release="r" * 64, x_sluice_cache="hit")
    output = await chat.ask(SAMPLE, ASKING)
    assert (output.text, output.finish, output.model, output.reply) == ("Hello.", "stop", "m-1", "chatcmpl-1")
    assert (output.release, output.reused) == ("r" * 64, True)
    assert output.usage == Usage(3, 2, 9)  # 3 x 1.5 + 2 x 2 = 8.5, rounded up
    assert output.messages == ({"role": "assistant", "content": "Hello."},)
    assert output.seconds > 0


async def test_what_a_gateway_s_guards_did_is_kept(told: Told, chat: Chat) -> None:
    told.answer(200, completion(), x_sluice_guards='[{"guard": "secrets", "action": "redact"}]')
    assert (await chat.ask(SAMPLE, ASKING)).guards == ({"guard": "secrets", "action": "redact"},)
    told.answers.clear()
    told.answer(400, {"error": {"message": "no", "code": "content_filter"}}, x_sluice_guards='[{"guard": "words"}]')
    assert (await chat.ask(SAMPLE, ASKING)).guards == ({"guard": "words"},)


@pytest.mark.parametrize("said", ["", "no JSON", "{}", "[1]", '[{"a": ' + "[" * 900 + "]" * 900 + "}]"])
async def test_of_guards_that_cannot_be_read_nothing_is_kept(told: Told, chat: Chat, said: str) -> None:
    told.answer(200, completion(), x_sluice_guards=said)
    assert (await chat.ask(SAMPLE, ASKING)).guards == ()


async def test_a_gateway_tells_the_cost_itself(told: Told) -> None:
    chat = Chat(told.url, None, {"model": "m"}, False)
    told.answer(200, completion(), x_sluice_cost="120")
    assert (await chat.ask(SAMPLE, ASKING)).usage.cost == 120
    told.answers.clear()
    told.answer(200, completion())
    assert (await chat.ask(SAMPLE, ASKING)).usage.cost is None
    assert "authorization" not in told.asked[0].headers
    assert "seed" not in told.asked[0].body
    await chat.close()


async def test_tool_calls_are_read_also_where_their_arguments_are_no_json(told: Told, chat: Chat) -> None:
    calls = [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"city": "Paris"}'}},
        {"id": "2", "type": "function", "function": {"name": "g", "arguments": '{"city'}},
    ]
    told.answer(200, completion(content=None, tool_calls=calls))
    output = await chat.ask(SAMPLE, ASKING)
    assert output.text == ""
    assert output.tool_calls == (ToolCall("f", {"city": "Paris"}, "1"), ToolCall("g", '{"city', "2"))


async def test_an_answer_in_parts_is_put_together(told: Told, chat: Chat) -> None:
    told.answer(200, completion(content=[{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]))
    assert (await chat.ask(SAMPLE, ASKING)).text == "Hello."


async def test_what_is_nested_without_end_can_be_kept_or_is_a_failure(told: Told, chat: Chat) -> None:
    """A log of it could not be written, and the run would end."""
    deep = "[" * 900 + "]" * 900
    told.answer(200, completion(tool_calls=[{"id": "1", "function": {"name": "f", "arguments": deep}}]))
    output = await chat.ask(SAMPLE, ASKING)
    assert output.tool_calls == (ToolCall("f", deep, "1"),)
    assert msgspec.json.encode(output)
    told.answers.clear()
    told.answer(200, orjson.dumps(completion()).replace(b'"Hello."', deep.encode()))
    with pytest.raises(TargetFailed, match="no chat completion"):
        await chat.ask(SAMPLE, ASKING)


async def test_what_a_filter_refuses_is_an_answer(told: Told, chat: Chat) -> None:
    told.answer(400, {"error": {"message": "no", "code": "content_filter"}})
    output = await chat.ask(SAMPLE, ASKING)
    assert (output.text, output.finish) == ("", "content_filter")


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (404, False), (408, True), (429, True), (500, True), (503, True)],
)
async def test_what_else_is_refused_is_a_failure(told: Told, chat: Chat, status: int, retryable: bool) -> None:
    told.answer(status, {"error": {"message": "not so", "code": "x"}}, retry_after="3")
    with pytest.raises(TargetFailed, match="not so") as failed:
        await chat.ask(SAMPLE, ASKING)
    assert (failed.value.status, failed.value.retryable, failed.value.after) == (status, retryable, 3.0)


@pytest.mark.parametrize(
    "body",
    [b"<html>", {"choices": []}, {"choices": [{}]}, completion(content=3), {"choices": None}, [], {"error": "x"}],
)
async def test_what_is_no_completion_is_a_failure(told: Told, chat: Chat, body: Any) -> None:
    told.answer(200, body)
    with pytest.raises(TargetFailed, match="no chat completion") as failed:
        await chat.ask(SAMPLE, ASKING)
    assert failed.value.retryable


@pytest.mark.parametrize("body", [b"<html>", {}, {"error": "x"}, {"error": None}, [1]])
async def test_a_refusal_may_be_in_any_shape(told: Told, chat: Chat, body: Any) -> None:
    told.answer(502, body)
    with pytest.raises(TargetFailed, match="502"):
        await chat.ask(SAMPLE, ASKING)


async def test_a_target_that_hangs_up_may_go_better_later(told: Told, chat: Chat) -> None:
    told.hang_up()
    with pytest.raises(TargetFailed, match="no answer") as failed:
        await chat.ask(SAMPLE, ASKING)
    assert failed.value.retryable
