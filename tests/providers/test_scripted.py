"""The scripted provider says what it was told to, in OpenAI's shapes."""

from __future__ import annotations

import base64
import struct
from typing import Any

import orjson
import pytest

from gateway.errors import BadRequest, RateLimited, Unavailable, UpstreamFailed, UpstreamRefused
from gateway.providers.base import Ask
from gateway.providers.scripted import DIMENSIONS, Rule, ScriptedConfig, ScriptedProvider
from gateway.types import Json, Operation
from gateway.wire.sse import EventSplitter, event_data

pytestmark = pytest.mark.anyio
TOOL = Rule("weather", call={"name": "get_weather", "arguments": {"city": "Paris"}})


def asked(text: str, **fields: Any) -> Ask:
    body: Json = {"messages": [{"role": "user", "content": text}], **fields}
    return Ask("chat", body, bool(fields.get("stream")))


async def whole(ask: Ask, *rules: Rule) -> Json:
    reply = await ScriptedProvider(ScriptedConfig("m", rules)).send(ask)
    answer: Json = orjson.loads(await reply.read())
    return answer


async def events(ask: Ask, *rules: Rule) -> list[bytes]:
    reply = await ScriptedProvider(ScriptedConfig("m", rules)).send(ask)
    splitter = EventSplitter()
    found = [event_data(event) for event in splitter.feed(await reply.read())]
    return [data for data in found if data is not None]


async def said(text: str, *rules: Rule) -> str:
    content: str = (await whole(asked(text), *rules))["choices"][0]["message"]["content"]
    return content


async def test_without_a_rule_it_repeats() -> None:
    assert await said("Hello there.") == "Hello there."
    assert await said("") == ""


async def test_the_first_rule_that_fits_answers() -> None:
    rules = Rule("capital", "Paris."), Rule("cap", "A hat."), Rule("", "What?")
    assert [await said(text, *rules) for text in ("the capital", "a cap", "else")] == ["Paris.", "A hat.", "What?"]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
        [{"role": "user", "content": "b"}, {"role": "assistant", "content": "a"}],
        [{"role": "user", "content": [{"type": "text", "text": "b"}, {"type": "image_url"}]}],
        [{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}],
    ],
)
async def test_it_looks_at_what_was_said_last(messages: list[Json]) -> None:
    answer = await whole(Ask("chat", {"messages": messages}))
    assert answer["choices"][0]["message"]["content"] == "b"


async def test_a_stream_is_the_answer_word_by_word() -> None:
    found = await events(asked("one two  three", stream=True, stream_options={"include_usage": True}))
    assert found.pop() == b"[DONE]"
    chunks = [orjson.loads(data) for data in found]
    usage = chunks.pop()
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 3)
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks] == ["", "one ", "two  ", "three", None]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 4 + ["stop"]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1


async def test_a_tool_call_whole_and_in_pieces() -> None:
    message = (await whole(asked("weather?"), TOOL))["choices"][0]
    assert message["finish_reason"] == "tool_calls"
    [call] = message["message"]["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    chunks = [orjson.loads(data)["choices"][0] for data in (await events(asked("weather?", stream=True), TOOL))[:-1]]
    deltas = [delta for chunk in chunks for delta in chunk["delta"].get("tool_calls", ())]
    assert deltas[0]["function"]["name"] == "get_weather"
    assert "".join(delta["function"]["arguments"] for delta in deltas) == call["function"]["arguments"]
    assert chunks[-1]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_a_cap_on_tokens_is_kept(name: str) -> None:
    answer = await whole(asked("one two three", **{name: 2}))
    assert answer["choices"][0]["message"]["content"] == "one two "
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 2


async def test_several_choices() -> None:
    answer = await whole(asked("a b", n=3))
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert answer["usage"]["completion_tokens"] == 6


async def test_legacy_completions() -> None:
    answer = await whole(Ask("completions", {"prompt": "once upon"}))
    assert (answer["object"], answer["choices"][0]["text"]) == ("text_completion", "once upon")


async def test_it_refuses_as_an_upstream_would() -> None:
    for status, kind in ((400, BadRequest), (429, RateLimited), (500, UpstreamRefused)):
        with pytest.raises(kind) as refused:
            await whole(asked("x"), Rule("", "No.", status=status, retry_after=2))
        assert "No." in refused.value.message
        assert refused.value.retry_after == (2 if status != 400 else None)


async def test_a_cut_stream_ends_without_its_end() -> None:
    found = await events(asked("x", stream=True), Rule("", "one two three four", cut=2))
    assert b"[DONE]" not in found
    assert [orjson.loads(data)["choices"][0]["delta"].get("content") for data in found] == ["", "one ", "two "]
    with pytest.raises(UpstreamFailed):
        await whole(asked("x"), Rule("", "one two three four", cut=2))


async def test_told_to_be_down_it_is_not_ready_and_answers_all_the_same() -> None:
    down = ScriptedProvider(ScriptedConfig(down=True))
    with pytest.raises(Unavailable):
        await down.check()
    await ScriptedProvider(ScriptedConfig()).check()
    assert orjson.loads(await (await down.send(asked("a"))).read())["choices"]


@pytest.mark.parametrize(
    ("given", "vectors", "tokens"),
    [("a b", 1, 2), (["a", "b c"], 2, 3), ([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3)],
)
async def test_embeddings_of_every_kind_of_input(given: Any, vectors: int, tokens: int) -> None:
    operation: Operation = "embeddings"
    answer = await whole(Ask(operation, {"input": given}))
    assert [row["index"] for row in answer["data"]] == list(range(vectors))
    assert {len(row["embedding"]) for row in answer["data"]} == {DIMENSIONS}
    assert answer["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    packed = await whole(Ask(operation, {"input": given, "encoding_format": "base64", "dimensions": 3}))
    for row in packed["data"]:
        assert struct.unpack("<3f", base64.b64decode(row["embedding"]))
    same = await whole(Ask(operation, {"input": given, "dimensions": 3}))
    assert same["data"][0]["embedding"] == pytest.approx(
        struct.unpack("<3f", base64.b64decode(packed["data"][0]["embedding"]))
    )
