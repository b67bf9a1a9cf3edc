"""The reply side of the responses API over answers of every make: events that tell one story, however they were cut."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.types import Json
from gateway.wire.responses import Responses
from gateway.wire.responses_stream import ResponsesTranslator
from gateway.wire.sse import DONE, EventSplitter, event_data, frame

TEXT = st.text('ab é€🙂\n"\\', min_size=1, max_size=4)
COUNTED = (
    "content_part.added content_part.done output_text.delta output_text.done refusal.done reasoning_text.done "
    "function_call_arguments.done"
).split()
USAGE = {
    "prompt_tokens": 7,
    "completion_tokens": 5,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
PIECES = st.fixed_dictionaries(
    {
        "reasoning": st.lists(TEXT, max_size=3),
        "content": st.lists(TEXT, max_size=4),
        "refusal": st.lists(TEXT, max_size=2),
        "calls": st.lists(st.lists(TEXT, max_size=3), max_size=3),
        "finish": st.sampled_from(["stop", "length", "content_filter", "tool_calls"]),
    }
)
"""What an answer is made of, each kind in the pieces in which it is streamed."""


def translator(**fields: Any) -> ResponsesTranslator:
    surface = Responses()
    return surface.translator(surface.read({"model": "m", "input": "Hi.", "stream": True, **fields}))


def chunk(delta: Json, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return frame(orjson.dumps({"id": "c", "model": "served", "choices": [choice], **more}))


def call_piece(index: int, arguments: str, **first: Any) -> Json:
    function = {"arguments": arguments, **({"name": f"f{index}"} if first else {})}
    return {"tool_calls": [{"index": index, "function": function, **first}]}


def stream_of(pieces: Json) -> bytes:
    """The upstream's stream."""
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": text} for text in pieces["reasoning"]]
    deltas += [{"content": text} for text in pieces["content"]]
    deltas += [{"refusal": text} for text in pieces["refusal"]]
    for index, arguments in enumerate(pieces["calls"]):
        deltas.append(call_piece(index, "", id=f"call_{index}", type="function"))
        deltas += [call_piece(index, text) for text in arguments]
    usage = frame(orjson.dumps({"id": "c", "choices": [], "usage": USAGE}))
    return b"".join(map(chunk, deltas)) + chunk({}, pieces["finish"]) + usage + DONE


def whole_of(pieces: Json) -> bytes:
    """The same answer in one body."""
    message: Json = {"role": "assistant", "content": "".join(pieces["content"]) or None}
    message["reasoning_content"] = "".join(pieces["reasoning"]) or None
    message["refusal"] = "".join(pieces["refusal"]) or None
    message["tool_calls"] = [
        {"id": f"call_{index}", "type": "function", "function": {"name": f"f{index}", "arguments": "".join(arguments)}}
        for index, arguments in enumerate(pieces["calls"])
    ]
    choice = {"index": 0, "message": message, "finish_reason": pieces["finish"]}
    return orjson.dumps({"id": "c", "model": "served", "choices": [choice], "usage": USAGE})


def events_of(raw: bytes) -> list[Json]:
    """The events a client reads, each checked for its two names and its number."""
    splitter = EventSplitter()
    found = []
    for number, event in enumerate(splitter.feed(raw)):
        data: Json = orjson.loads(event_data(event) or b"")
        assert event.startswith(b"event: %b\n" % data["type"].encode())
        assert data["sequence_number"] == number
        found.append(data)
    assert splitter.rest == b""
    return found


def answered(data: bytes, edges: list[int] | None = None) -> list[Json]:
    reader = translator()
    places = [0, *sorted(edge % (len(data) + 1) for edge in edges or ()), len(data)]
    out = b"".join(reader.feed(data[start:end]) for start, end in itertools.pairwise(places))
    return events_of(out + reader.finish())


def nameless(value: Any) -> Any:
    """Without what differs between two runs: ids of ours, and times."""
    if isinstance(value, dict):
        differs = {"id", "item_id", "created_at", "completed_at"}
        return {key: nameless(held) for key, held in value.items() if key not in differs}
    return [nameless(item) for item in value] if isinstance(value, list) else value


@given(PIECES, st.lists(st.integers(0, 10**6), max_size=12))
def test_cuts_change_nothing(pieces: Json, edges: list[int]) -> None:
    data = stream_of(pieces)
    assert nameless(answered(data, edges)) == nameless(answered(data))


@given(PIECES)
def test_events_tell_one_story(pieces: Json) -> None:
    """Opened before changed, closed once, each delta part of what the item says in the end."""
    events = answered(stream_of(pieces))
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    ends = {"length": "incomplete", "content_filter": "incomplete"}
    final = events[-1]["response"]
    assert kinds[-1] == f"response.{final['status']}" == f"response.{ends.get(pieces['finish'], 'completed')}"
    opened: dict[int, Json] = {}
    closed: dict[int, Json] = {}
    said: dict[int, str] = {}
    for event in events[2:-1]:
        at = event["output_index"]
        if event["type"] == "response.output_item.added":
            assert at == len(opened)
            opened[at] = event["item"]
            assert event["item"]["status"] == "in_progress"
            continue
        assert at in opened
        assert at not in closed
        if event["type"] == "response.output_item.done":
            closed[at] = event["item"]
            assert event["item"]["id"] == opened[at]["id"]
        else:
            assert event["item_id"] == opened[at]["id"]
            said[at] = said.get(at, "") + event.get("delta", "")
    assert list(opened) == sorted(closed)
    assert final["output"] == [closed[at] for at in sorted(closed)]
    for at, item in closed.items():
        parts = item.get("content") or ()
        text = item.get("arguments", "") + "".join(p.get("text") or p.get("refusal") or "" for p in parts)
        assert said.get(at, "") == text


@given(PIECES)
def test_a_stream_ends_with_what_the_whole_answer_would_be(pieces: Json) -> None:
    reader = translator(stream=False)
    whole = orjson.loads(reader.whole(whole_of(pieces)))
    assert reader.result is not None
    assert orjson.loads(orjson.dumps(reader.result)) == whole
    assert nameless(answered(stream_of(pieces))[-1]["response"]) == nameless(whole)


@given(PIECES)
def test_every_text_part_is_opened_and_closed(pieces: Json) -> None:
    events = answered(stream_of(pieces))
    counts = {kind: sum(event["type"] == f"response.{kind}" for event in events) for kind in COUNTED}
    assert counts["content_part.added"] == counts["content_part.done"]
    assert counts["output_text.done"] == bool(pieces["content"])
    assert counts["refusal.done"] == bool(pieces["refusal"])
    assert counts["reasoning_text.done"] == bool(pieces["reasoning"])
    assert counts["function_call_arguments.done"] == len(pieces["calls"])
    assert counts["output_text.delta"] == len(pieces["content"])
