"""OpenAI's reply objects as our own models write them: the parts of one reply agree, whole or streamed."""

from __future__ import annotations

import orjson
import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from gateway.providers.shapes import Shape, usage
from gateway.types import Json, Operation
from gateway.wire.sse import DONE, EventSplitter, event_data

CHAT: Operation = "chat"
LEGACY: Operation = "completions"
ASKING: Json = {"stream_options": {"include_usage": True}}


def data(events: bytes) -> list[Json]:
    found = [event_data(event) for event in EventSplitter().feed(events)]
    return [orjson.loads(held) for held in found if held is not None and held != b"[DONE]"]


def test_a_whole_chat_completion_is_one_of_the_sdk_s() -> None:
    shape = Shape(CHAT, "m", {})
    choices = [shape.choice(index, {"content": "a"}, "stop") for index in range(2)]
    raw = orjson.loads(shape.whole(choices, usage(3, 4)))
    parsed = ChatCompletion.model_validate(raw, strict=True)
    assert parsed.id.startswith("chatcmpl-")
    assert parsed.usage is not None
    assert (parsed.usage.prompt_tokens, parsed.usage.completion_tokens, parsed.usage.total_tokens) == (3, 4, 7)
    assert [choice.index for choice in parsed.choices] == [0, 1]
    assert raw["choices"][0]["message"] == {"role": "assistant", "refusal": None, "annotations": [], "content": "a"}


def test_a_whole_legacy_completion_is_one_of_the_sdk_s() -> None:
    shape = Shape(LEGACY, "m", {})
    parsed = Completion.model_validate_json(shape.whole([shape.choice(0, {"content": "a"}, "length")], usage(1, 1)))
    assert parsed.id.startswith("cmpl-")
    assert (parsed.choices[0].text, parsed.choices[0].finish_reason) == ("a", "length")


def test_a_stream_s_chunks_are_of_one_reply() -> None:
    shape = Shape(CHAT, "m", ASKING)
    raw = shape.event(0, {"role": "assistant", "content": ""}) + shape.event(0, {"content": "a"})
    chunks = data(raw + shape.event(0, {}, "stop") + shape.end(usage(1, 1)))
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}) == 1
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 3
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 2)


def test_a_legacy_stream_has_text() -> None:
    shape = Shape(LEGACY, "m", {})
    [first, last] = data(shape.event(0, {"content": "a"}) + shape.event(0, {}, "stop"))
    assert (first["object"], first["choices"][0]["text"], last["choices"][0]["text"]) == ("text_completion", "a", "")
    assert last["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("body", [{}, {"stream_options": None}, {"stream_options": {"include_usage": False}}])
def test_usage_that_was_not_asked_for_is_not_told(body: Json) -> None:
    shape = Shape(CHAT, "m", body)
    assert shape.end(usage(1, 1)) == DONE
    assert "usage" not in data(shape.event(0, {"content": "a"}))[0]


def test_no_two_replies_are_alike() -> None:
    made = {orjson.loads(Shape(CHAT, "m", {}).whole([], usage(0, 0)))["id"] for _ in range(50)}
    assert len(made) == 50
