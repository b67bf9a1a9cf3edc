"""The reply side of the responses API: typed events, in order and counted, however the upstream's stream is cut."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest, GatewayError, RateLimited, UpstreamFailed, UpstreamTimeout
from gateway.types import Json
from gateway.wire.responses import Responses
from gateway.wire.responses_stream import ResponsesTranslator
from gateway.wire.sse import DONE, EventSplitter, event_data, frame

TEXT = st.text('ab é€🙂\n"\\', min_size=1, max_size=4)
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


# Properties ----------------------------------------------------------------------------------------------------------


@given(PIECES, st.lists(st.integers(0, 10**6), max_size=12))
def test_cuts_change_nothing(pieces: Json, edges: list[int]) -> None:
    data = stream_of(pieces)
    assert nameless(answered(data, edges)) == nameless(answered(data))


def test_one_byte_at_a_time() -> None:
    pieces = {"reasoning": ["hm é"], "content": ["a🙂", "b"], "refusal": [], "calls": [["{}"]], "finish": "stop"}
    data = stream_of(pieces)
    assert nameless(answered(data, list(range(len(data))))) == nameless(answered(data))


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
    counts = {kind: sum(event["type"] == f"response.{kind}" for event in events) for kind in ALL_KINDS}
    assert counts["content_part.added"] == counts["content_part.done"]
    assert counts["output_text.done"] == bool(pieces["content"])
    assert counts["refusal.done"] == bool(pieces["refusal"])
    assert counts["reasoning_text.done"] == bool(pieces["reasoning"])
    assert counts["function_call_arguments.done"] == len(pieces["calls"])
    assert counts["output_text.delta"] == len(pieces["content"])


ALL_KINDS = (
    "content_part.added content_part.done output_text.delta output_text.done refusal.done reasoning_text.done "
    "function_call_arguments.done"
).split()


# The response --------------------------------------------------------------------------------------------------------


def test_usage_is_told_with_its_details() -> None:
    pieces = {"reasoning": [], "content": ["a"], "refusal": [], "calls": [], "finish": "stop"}
    final = answered(stream_of(pieces))[-1]["response"]
    assert final["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 12,
    }
    assert final["model"] == "served"


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_what_is_incomplete_says_why(finish: str, reason: str) -> None:
    pieces = {"reasoning": [], "content": ["a"], "refusal": [], "calls": [["{"]], "finish": finish}
    final = answered(stream_of(pieces))[-1]["response"]
    assert (final["status"], final["incomplete_details"], final["completed_at"]) == (
        "incomplete",
        {"reason": reason},
        None,
    )
    assert final["output"][-1]["status"] == "incomplete"


def test_parallel_calls_may_come_in_turns() -> None:
    deltas = [
        call_piece(0, "", id="call_a", type="function"),
        call_piece(1, "", id="call_b", type="function"),
        call_piece(0, '{"a":'),
        call_piece(1, '{"b":'),
        call_piece(0, "1}"),
        call_piece(1, "2}"),
    ]
    final = answered(b"".join(map(chunk, deltas)) + chunk({}, "tool_calls") + DONE)[-1]["response"]
    told = [(item["call_id"], item["name"], item["arguments"], item["status"]) for item in final["output"]]
    assert told == [("call_a", "f0", '{"a":1}', "completed"), ("call_b", "f1", '{"b":2}', "completed")]


def test_every_key_of_a_response_is_there_from_the_start() -> None:
    pieces = {"reasoning": [], "content": ["a"], "refusal": [], "calls": [], "finish": "stop"}
    events = answered(stream_of(pieces))
    first, last = events[0]["response"], events[-1]["response"]
    assert first.keys() == last.keys()
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)
    assert first["id"] == last["id"]
    assert first["id"].startswith("resp_")


def test_nothing_follows_done() -> None:
    reader = translator()
    reader.feed(chunk({"content": "a"}) + chunk({}, "stop") + DONE)
    assert reader.feed(chunk({"content": "b"})) == b""
    assert reader.result is None
    reader.finish()
    assert reader.result is not None


# Failures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cut", [b"", chunk({"content": "a"}), chunk({"content": "a"}) + b'data: {"choi', chunk({})[:-1]]
)
def test_a_cut_stream_is_never_a_success(cut: bytes) -> None:
    reader = translator()
    reader.feed(cut)
    with pytest.raises(UpstreamFailed) as failed:
        reader.finish()
    assert failed.value.code == "upstream_cut"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamFailed("Broken.", code="upstream_cut"), "server_error"),
        (UpstreamTimeout("Slow."), "server_error"),
        (RateLimited("Busy."), "rate_limit_exceeded"),
        (BadRequest("Bad.", param="input"), "invalid_prompt"),
    ],
)
def test_a_stream_that_breaks_ends_in_failed_with_what_was_made(error: GatewayError, code: str) -> None:
    reader = translator()
    out = reader.feed(chunk({"content": "half an "}) + chunk(call_piece(0, "{", id="call_a", type="function")))
    events = events_of(out + reader.fail(error))
    final = events[-1]["response"]
    assert (events[-1]["type"], final["status"]) == ("response.failed", "failed")
    assert final["error"]["code"] == code
    assert final["error"]["message"] == error.message
    assert final["output"][0]["content"][0]["text"] == "half an "
    assert "completed" not in [item["status"] for item in final["output"][1:]]
    assert final == orjson.loads(orjson.dumps(reader.result))


def test_one_that_breaks_before_its_first_event_still_begins() -> None:
    events = events_of(translator().fail(UpstreamFailed("Broken.")))
    assert [event["type"] for event in events] == ["response.created", "response.in_progress", "response.failed"]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"choices":[]}', b'{"choices":[{"index":0}]}', b"[]", b"<html>", b"\xff"]
)
def test_a_whole_answer_that_is_none(body: bytes) -> None:
    with pytest.raises(UpstreamFailed) as failed:
        translator(stream=False).whole(body)
    assert failed.value.code == "upstream_garbage"


def test_an_error_inside_a_stream_is_raised() -> None:
    reader = translator()
    reader.feed(chunk({"content": "a"}))
    with pytest.raises(UpstreamFailed) as failed:
        reader.feed(frame(b'{"error":{"message":"Overloaded.","code":"overloaded"}}'))
    assert (failed.value.message, failed.value.code) == ("Overloaded.", "overloaded")
