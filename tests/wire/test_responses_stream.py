"""The reply side of the responses API: events of the SDK's own types, and a stream that does not depend on its cuts."""

from __future__ import annotations

import itertools
import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.errors import BadRequest, GatewayError, RateLimited, UpstreamFailed, UpstreamRefused
from gateway.wire.responses import Responses
from gateway.wire.responses_stream import ResponsesTranslator
from gateway.wire.sse import DONE, EventSplitter, event_data, frame

HEAD = {"id": "chatcmpl-1", "created": 1, "model": "served"}
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def translator(**fields: Any) -> ResponsesTranslator:
    surface = Responses()
    return surface.translator(surface.read({"model": "m", "input": "hi", **fields}))


def chunk(finish: str | None = None, index: int = 0, logprobs: Any = None, **delta: Any) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": logprobs}
    return frame(orjson.dumps({**HEAD, "choices": [choice]}))


def tool(index: int, arguments: str, **first: Any) -> bytes:
    name = first.pop("name", None)
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return chunk(tool_calls=[{"index": index, **first, "function": function}])


BILL = frame(orjson.dumps({**HEAD, "choices": [], "usage": USAGE, "service_tier": "flex"}))
CALLS = (
    tool(0, "", id="call_a", type="function", name="f")
    + tool(0, '{"a":')
    + tool(1, "", id="call_b", type="function", name="g")
    + tool(0, "1}")
    + tool(1, "{}")
)
RICH = (
    chunk(role="assistant", content="")
    + chunk(reasoning_content="Hmm, ")
    + chunk(reasoning="ü.")
    + chunk(content="It is ")
    + chunk(content="4 🌍.")
    + CALLS
    + chunk("tool_calls")
    + BILL
    + DONE
)
MESSAGE = {
    "role": "assistant",
    "reasoning_content": "Hmm, ü.",
    "content": "It is 4 🌍.",
    "tool_calls": [
        {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "call_b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ],
}
PLAIN = chunk(role="assistant", content="") + chunk(content="Paris.")


def whole(message: dict[str, Any], finish: str = "stop", **choice: Any) -> dict[str, Any]:
    choices = [{"index": 0, "message": message, "finish_reason": finish, **choice}]
    body = translator().whole(orjson.dumps({**HEAD, "choices": choices, "usage": USAGE, "service_tier": "flex"}))
    made: dict[str, Any] = orjson.loads(body)
    Response.model_validate(made)
    return made


def events(wire: bytes) -> list[dict[str, Any]]:
    """Each as the SDK's own type, named twice and counted from 0."""
    splitter, found = EventSplitter(), []
    for number, event in enumerate(splitter.feed(wire)):
        data = orjson.loads(event_data(event) or b"null")
        assert event.startswith(b"event: " + data["type"].encode() + b"\n")
        assert data["sequence_number"] == number
        EVENT.validate_python(data)
        found.append(data)
    assert splitter.rest == b""
    return found


def through(wire: bytes, points: list[int] | None = None, **fields: Any) -> list[dict[str, Any]]:
    """The client's events when the upstream's bytes arrive cut at these points."""
    reader = translator(stream=True, **fields)
    edges = [0, *sorted(p % (len(wire) + 1) for p in points or []), len(wire)]
    out = b"".join(reader.feed(wire[a:b]) for a, b in itertools.pairwise(edges))
    return events(out + reader.finish())


def nameless(given: Any) -> Any:
    """Without ids made at random, and times."""
    text = re.sub(r'"(resp|msg|rs|fc)_[0-9a-f]{48}"', r'"\1"', orjson.dumps(given).decode())
    return orjson.loads(re.sub(r'"(created|completed)_at":\d+', r'"\1_at":0', text))


@given(st.lists(st.integers(0, 10_000), max_size=30), st.booleans())
def test_any_cut_gives_the_same_events(points: list[int], crlf: bool) -> None:
    wire = RICH.replace(b"\n", b"\r\n") if crlf else RICH
    assert nameless(through(wire, points)) == nameless(through(RICH))


def test_a_stream_ends_in_the_same_response_as_a_whole_reply() -> None:
    assert nameless(through(RICH)[-1]["response"]) == nameless(whole(MESSAGE, "tool_calls"))


def test_items_open_grow_and_close_in_order() -> None:
    told = [(event["type"].removeprefix("response."), event.get("output_index")) for event in through(RICH)]
    assert told == [
        ("created", None),
        ("in_progress", None),
        ("output_item.added", 0),
        ("content_part.added", 0),
        ("reasoning_text.delta", 0),
        ("reasoning_text.delta", 0),
        ("reasoning_text.done", 0),
        ("content_part.done", 0),
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("content_part.added", 1),
        ("output_text.delta", 1),
        ("output_text.delta", 1),
        ("output_text.done", 1),
        ("content_part.done", 1),
        ("output_item.done", 1),
        ("output_item.added", 2),
        ("function_call_arguments.delta", 2),
        ("output_item.added", 3),
        ("function_call_arguments.delta", 2),
        ("function_call_arguments.delta", 3),
        ("function_call_arguments.done", 2),
        ("output_item.done", 2),
        ("function_call_arguments.done", 3),
        ("output_item.done", 3),
        ("completed", None),
    ]


def test_the_response_says_what_was_asked_and_what_it_cost() -> None:
    asked = {"instructions": "Be brief.", "metadata": {"a": "b"}, "max_output_tokens": 50, "temperature": 0.5}
    response = through(RICH, **asked)[-1]["response"]
    assert {name: response[name] for name in asked} == asked
    assert (response["model"], response["service_tier"], response["status"]) == ("served", "flex", "completed")
    assert response["usage"] == {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 0},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 29,
    }


def test_without_figures_usage_is_estimated() -> None:
    assert through(PLAIN + chunk("stop"))[-1]["response"]["usage"]["output_tokens"] >= 1


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_an_answer_cut_short_is_incomplete_and_says_why(finish: str, reason: str) -> None:
    last = through(PLAIN + chunk(finish))[-1]
    assert last["type"] == "response.incomplete"
    response = last["response"]
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": reason})
    assert response["output"][0]["status"] == "incomplete"
    assert response["completed_at"] is None


def test_a_refusal_is_a_part_of_its_own() -> None:
    told = through(chunk(content="Well: ") + chunk(refusal="I can't.") + chunk("stop"))
    assert [part["type"] for part in told[-1]["response"]["output"][0]["content"]] == ["output_text", "refusal"]
    assert "response.refusal.delta" in [event["type"] for event in told]


def test_log_probabilities_come_with_the_text() -> None:
    token = {"token": "Paris", "logprob": -0.5, "bytes": None, "top_logprobs": [{"token": "P", "logprob": -1.0}]}
    told = {
        "token": "Paris",
        "logprob": -0.5,
        "bytes": [],
        "top_logprobs": [{"token": "P", "logprob": -1.0, "bytes": []}],
    }
    logprobs = {"content": [token], "refusal": None}
    made = through(chunk(content="Paris", logprobs=logprobs) + chunk(content=".") + chunk("stop"))
    [first, second] = [event for event in made if event["type"] == "response.output_text.delta"]
    assert (first["logprobs"], second["logprobs"]) == ([told], [])
    assert made[-1]["response"]["output"][0]["content"][0]["logprobs"] == [told]
    assert whole({"content": "Paris"}, logprobs=logprobs)["output"][0]["content"][0]["logprobs"] == [told]
    with pytest.raises(UpstreamFailed):
        whole({"content": "Paris"}, logprobs={"content": 3})


def test_only_the_first_choice_is_told() -> None:
    told = through(PLAIN + chunk(index=1, content="Rome.") + chunk("stop") + chunk("stop", index=1))
    assert [part["text"] for part in told[-1]["response"]["output"][0]["content"]] == ["Paris."]


@pytest.mark.parametrize("wire", [b"", PLAIN, RICH[:-200], PLAIN + chunk("stop") + b'data: {"id"'])
def test_a_cut_stream_is_an_error(wire: bytes) -> None:
    reader = translator(stream=True)
    reader.feed(wire)
    with pytest.raises(UpstreamFailed) as failure:
        reader.finish()
    assert failure.value.code == "upstream_cut"


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[]", b'{"choices":[]}', b'{"choices":[{"index":0}]}'])
def test_a_reply_that_is_no_completion_is_an_error(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        translator().whole(body)


def test_an_error_within_the_stream_is_raised() -> None:
    with pytest.raises(UpstreamRefused, match="overloaded"):
        translator(stream=True).feed(PLAIN + frame(b'{"error":{"message":"overloaded"}}'))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamFailed("cut", code="upstream_cut"), "server_error"),
        (RateLimited("busy"), "rate_limit_exceeded"),
        (BadRequest("long", param="input"), "invalid_prompt"),
    ],
)
def test_a_stream_that_breaks_says_failed_and_loses_nothing_made_before(error: GatewayError, code: str) -> None:
    reader = translator(stream=True)
    with pytest.raises(UpstreamFailed):
        reader.feed(RICH.removesuffix(chunk("tool_calls") + BILL + DONE) + b"data: {\n\n")
    told = events(reader.fail(error))
    assert [event["type"] for event in told].count("response.output_text.delta") == 2
    last = told[-1]["response"]
    assert (told[-1]["type"], last["status"], last["error"]["code"]) == ("response.failed", "failed", code)
    assert [item["status"] for item in last["output"]] == ["completed", "completed", "incomplete", "incomplete"]
    assert last["error"]["message"] == error.message


def test_a_stream_that_never_began_still_begins() -> None:
    told = events(translator(stream=True).fail(UpstreamFailed("cut")))
    assert [event["type"] for event in told] == ["response.created", "response.in_progress", "response.failed"]


def test_a_pending_response_is_one_of_the_sdks() -> None:
    reader = translator(background=True, tools=[{"type": "function", "name": "f", "parameters": {}}])
    pending = reader.pending()
    Response.model_validate(pending)
    assert (pending["id"], pending["status"], pending["background"]) == (reader.response_id, "in_progress", True)
