"""What was said is put together from the events of each API, however finely they were cut."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.errors import UpstreamFailed
from gateway.types import Json
from gateway.wire.chat import Chat
from gateway.wire.completions import Completions
from gateway.wire.messages import Messages
from gateway.wire.responses import Responses
from gateway.wire.spoken import spoken
from gateway.wire.surface import Surface

TEXT = "Card 4111 1111, yes. Größe ☃"
ARGUMENTS = '{"city": "Paris"}'
CHAT = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
ASKED: dict[str, tuple[Surface, Json]] = {
    "chat": (Chat(), CHAT),
    "responses": (Responses(), {"model": "m", "input": "x", "stream": True, "store": False}),
    "messages": (Messages(), {**CHAT, "max_tokens": 9}),
}


def chunk(delta: Json, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
    return b"data: %b\n\n" % orjson.dumps({"id": "c", "model": "m", "created": 1, "choices": [choice]})


def call(**function: str) -> Json:
    return {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}


def stream(surface: Surface, body: Json, *events: bytes) -> bytes:
    translator = surface.translator(surface.read(orjson.loads(orjson.dumps(body))))
    return b"".join(map(translator.feed, events)) + translator.finish()


@pytest.mark.parametrize("name", ASKED)
def test_a_text_in_single_characters_is_one_text(name: str) -> None:
    surface, body = ASKED[name]
    pieces = [chunk({"content": character}) for character in TEXT]
    said = spoken(stream(surface, body, *pieces, chunk({}, "stop"), b"data: [DONE]\n\n"))
    assert list(said.values()) == [TEXT]


@pytest.mark.parametrize("name", ASKED)
def test_a_tool_call_is_its_name_and_its_arguments(name: str) -> None:
    surface, body = ASKED[name]
    pieces = [chunk(call(name="get_weather")), *(chunk(call(arguments=character)) for character in ARGUMENTS)]
    said = spoken(stream(surface, body, *pieces, chunk({}, "tool_calls"), b"data: [DONE]\n\n"))
    assert sorted(said.values()) == sorted(["get_weather", ARGUMENTS])


def test_choices_and_reasoning_are_apart() -> None:
    events = chunk({"reasoning_content": "hm"}) + chunk({"content": "a"}) + chunk({"content": "b"}, index=1)
    assert spoken(events) == {
        "choices.0.reasoning_content": "hm",
        "choices.0.content": "a",
        "choices.1.content": "b",
    }


def test_legacy_completions_are_texts() -> None:
    pieces = [
        b"data: %b\n\n" % orjson.dumps({"choices": [{"index": 0, "text": character, "finish_reason": None}]})
        for character in TEXT
    ]
    end = b'data: {"choices":[{"index":0,"text":"","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    body = {"model": "m", "prompt": "x", "stream": True}
    assert spoken(stream(Completions(), body, *pieces, end)) == {"choices.0.text": TEXT}


@pytest.mark.parametrize("name", ASKED)
def test_a_stream_that_broke_says_what_was_said_and_the_error(name: str) -> None:
    surface, body = ASKED[name]
    translator = surface.translator(surface.read(orjson.loads(orjson.dumps(body))))
    events = translator.feed(chunk({"content": TEXT})) + translator.fail(UpstreamFailed("cut short"))
    said = spoken(events)
    assert TEXT in said.values()
    assert "cut short" in said["error"]


@pytest.mark.parametrize(
    "events",
    [b"", b": keep-alive\n\n", b"data: [DONE]\n\n", b"data: no json\n\n", b"data: 1\n\n", b'data: {"choices":[]}'],
)
def test_what_says_nothing_is_left_out(events: bytes) -> None:
    assert spoken(events) == {}
