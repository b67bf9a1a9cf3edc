"""The reply side of Messages, read by Anthropic's own SDK; and a stream that does not depend on how it was cut."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import orjson
import pytest
from anthropic import Anthropic, APIStatusError
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.errors import GatewayError, UpstreamFailed, UpstreamRefused, UpstreamTimeout
from gateway.wire.messages import Messages
from gateway.wire.messages_stream import MessagesTranslator
from gateway.wire.sse import DONE, EventSplitter, event_data, frame

USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
ASKED: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
THINKING: dict[str, Any] = {"thinking": {"type": "adaptive"}}


def translator(**fields: Any) -> MessagesTranslator:
    surface = Messages()
    return surface.translator(surface.read({**ASKED, **fields}))


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **choice: Any) -> bytes:
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish, **choice}]
    return frame(orjson.dumps({"id": "chatcmpl-1", "model": "served", "choices": choices}))


def tool(index: int, arguments: str, call_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    call = (
        {"index": index, "function": function}
        if call_id is None
        else {"index": index, "id": call_id}
        | {
            "type": "function",
            "function": function,
        }
    )
    return {"tool_calls": [call]}


def stream(*chunks: bytes, usage: bool = True) -> bytes:
    figures = frame(orjson.dumps({"id": "chatcmpl-1", "model": "served", "choices": [], "usage": USAGE}))
    return b"".join(chunks) + (figures if usage else b"") + DONE


def through(wire: bytes, points: list[int] | None = None, **fields: Any) -> bytes:
    """What the client gets when the upstream's bytes arrive cut at these points."""
    reader = translator(**fields)
    edges = [0, *sorted(p % (len(wire) + 1) for p in points or []), len(wire)]
    out = b"".join(reader.feed(wire[a:b]) for a, b in itertools.pairwise(edges))
    return out + reader.finish()


def events(wire: bytes) -> list[dict[str, Any]]:
    splitter, found = EventSplitter(), []
    for event in splitter.feed(wire):
        data = orjson.loads(event_data(event) or b"null")
        assert event.startswith(b"event: " + data["type"].encode() + b"\n")
        found.append(data)
    assert splitter.rest == b""
    return found


@contextmanager
def client(reply: bytes, kind: str = "text/event-stream", status: int = 200) -> Iterator[Anthropic]:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"content-type": kind}, content=reply)

    with Anthropic(
        api_key="k",
        base_url="http://gateway",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    ) as made:
        yield made


def accumulated(wire: bytes) -> Message:
    """The message the SDK's accumulator makes of our bytes."""
    with client(wire) as sdk, sdk.messages.stream(**ASKED) as told:
        return Message.model_validate(told.get_final_message().model_dump(), strict=True)


def whole(
    message: dict[str, Any], finish: str = "stop", fields: dict[str, Any] | None = None, **choice: Any
) -> Message:
    body = {
        "id": "chatcmpl-1",
        "model": "served",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, **choice}],
        "usage": USAGE,
    }
    return Message.model_validate(orjson.loads(translator(**(fields or {})).whole(orjson.dumps(body))))


RICH = stream(
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "Hm, "}),
    chunk({"reasoning_content": "rain."}),
    chunk({"content": "Grüße "}),
    chunk({"content": "🌧"}),
    chunk(tool(0, "", "call_a", "weather")),
    b": keep-alive\n\n",
    chunk(tool(0, '{"city":')),
    chunk(tool(0, '"Zürich"}')),
    chunk(tool(1, "{}", "call_b", "clock")),
    chunk(finish="tool_calls"),
)


def test_a_stream_becomes_the_same_message_as_a_whole_reply() -> None:
    calls = [
        {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Zürich"}'}},
        {"id": "call_b", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
    ]
    message = {"role": "assistant", "content": "Grüße 🌧", "reasoning_content": "Hm, rain.", "tool_calls": calls}
    expected = whole(message, "tool_calls", THINKING)
    assert accumulated(through(RICH, **THINKING)).to_dict(exclude_none=True) == expected.to_dict(exclude_none=True)
    assert [b.type for b in expected.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert expected.content[2].to_dict() == {
        "type": "tool_use",
        "id": "call_a",
        "name": "weather",
        "input": {"city": "Zürich"},
    }
    assert (expected.id, expected.model, expected.stop_reason) == ("msg_1", "served", "tool_use")
    usage = expected.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (15, 5, 9)
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 4


def test_events_are_in_anthropics_order_and_of_its_shape() -> None:
    found = [e for e in events(through(RICH, **THINKING)) if e["type"] != "ping"]
    for event in found:
        TypeAdapter(RawMessageStreamEvent).validate_python(event)
    kinds = [e["type"] for e in found]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert found[0]["message"]["stop_reason"] is None
    opened = -1
    inside = False
    for event in found[1:-2]:
        if event["type"] == "content_block_start":
            assert not inside
            opened, inside = opened + 1, True
        elif event["type"] == "content_block_stop":
            inside = False
        assert event["index"] == opened
    assert not inside
    assert opened == 3


@given(st.lists(st.integers(0, len(RICH)), max_size=20), st.booleans())
def test_any_cut_gives_the_same_bytes(points: list[int], crlf: bool) -> None:
    wire = RICH.replace(b"\n", b"\r\n") if crlf else RICH
    assert through(wire, points, **THINKING) == through(RICH, **THINKING)


arguments = st.dictionaries(st.text(max_size=4), st.integers(0, 9999) | st.text(max_size=6), max_size=3)


@given(st.lists(arguments, min_size=1, max_size=4), st.data())
def test_tool_calls_may_arrive_mixed(made: list[dict[str, Any]], data: st.DataObject) -> None:
    texts = [orjson.dumps(given).decode() for given in made]
    chunks = [chunk(tool(i, "", f"call_{i}", "f")) for i in range(len(made))]
    left = [(i, [text[p : p + 3] for p in range(0, len(text), 3)]) for i, text in enumerate(texts)]
    while left:
        i, pieces = data.draw(st.sampled_from(left))
        chunks.append(chunk(tool(i, pieces.pop(0))))
        left = [(j, rest) for j, rest in left if rest]
    found = events(through(stream(*chunks, chunk(finish="tool_calls"))))
    joined = ["".join(e["delta"]["partial_json"] for e in found if _adds_to(e, i)) for i in range(len(made))]
    assert joined == texts


def _adds_to(event: dict[str, Any], index: int) -> bool:
    return event["type"] == "content_block_delta" and bool(event["index"] == index)


def test_calls_all_numbered_nought_are_kept_apart() -> None:
    wire = stream(chunk(tool(0, '{"a":1}', "x", "f")), chunk(tool(0, '{"b":2}', "y", "g")), chunk(finish="tool_calls"))
    assert [b.to_dict()["input"] for b in accumulated(through(wire)).content] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("finish", "delta", "reason"),
    [
        ("stop", {"content": "a"}, "end_turn"),
        ("length", {"content": "a"}, "max_tokens"),
        ("content_filter", {"content": "a"}, "refusal"),
        ("stop", {"refusal": "No."}, "refusal"),
        ("stop", tool(0, "{}", "call_a", "f"), "tool_use"),
        ("something_new", {"content": "a"}, "end_turn"),
    ],
)
def test_stop_reasons(finish: str, delta: dict[str, Any], reason: str) -> None:
    streamed = accumulated(through(stream(chunk(delta), chunk(finish=finish))))
    assert streamed.stop_reason == reason
    assert whole({"role": "assistant", **delta}, finish).stop_reason == reason


def test_a_stop_sequence_is_told_where_the_upstream_tells_it() -> None:
    met = accumulated(through(stream(chunk({"content": "a"}), chunk(finish="stop", stop_reason="END"))))
    assert (met.stop_reason, met.stop_sequence) == ("stop_sequence", "END")
    assert whole({"content": "a"}, stop_reason="END").stop_sequence == "END"
    token = whole({"content": "a"}, stop_reason=151643)
    assert (token.stop_reason, token.stop_sequence) == ("end_turn", None)


@pytest.mark.parametrize("fields", [{}, {"thinking": {"type": "adaptive", "display": "omitted"}}])
def test_thinking_nobody_asked_for_is_not_shown(fields: dict[str, Any]) -> None:
    assert [b.type for b in accumulated(through(RICH, **fields)).content] == ["text", "tool_use", "tool_use"]


def test_the_meter_sees_everything() -> None:
    reader = translator()
    reader.feed(RICH)
    assert reader.meter.usage is not None
    assert (reader.meter.usage.input, reader.meter.finish, reader.meter.model) == (20, {0: "tool_calls"}, "served")


def test_without_figures_usage_is_estimated() -> None:
    message = accumulated(through(stream(chunk({"content": "a"}), chunk(finish="stop"), usage=False)))
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens == 1


@pytest.mark.parametrize("made", ['{"city":', "[1]", "nonsense"])
def test_arguments_that_are_no_object_are_never_invented(made: str) -> None:
    call = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": made}}
    with pytest.raises(UpstreamFailed):
        whole({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")
    found = events(through(stream(chunk(tool(0, made, "call_a", "f")), chunk(finish="length"))))
    assert [e["delta"]["partial_json"] for e in found if e["type"] == "content_block_delta"] == [made]


def test_a_call_without_arguments_has_an_empty_input() -> None:
    message = accumulated(through(stream(chunk(tool(0, "", "call_a", "f")), chunk(finish="tool_calls"))))
    assert message.content[0].to_dict()["input"] == {}


def test_a_call_without_an_id_gets_one_and_one_without_a_name_is_garbage() -> None:
    nameless = chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{}"}}]})
    with pytest.raises(UpstreamFailed):
        translator().feed(nameless)
    wire = stream(
        chunk({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}), chunk(finish="tool_calls")
    )
    assert accumulated(through(wire)).content[0].to_dict()["id"] == "toolu_1_0"


def test_what_is_added_to_a_complete_call_is_garbage() -> None:
    reader = translator()
    reader.feed(chunk(tool(0, "{}", "a", "f")) + chunk(tool(1, "{}", "b", "f")) + chunk(tool(0, " ")))
    with pytest.raises(UpstreamFailed):
        reader.feed(chunk(tool(0, '{"late":1}')))


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        chunk({"content": "a"}),
        chunk({"content": "a"}) + DONE,
        chunk({"content": "a"}, finish="stop") + b'data: {"id"',
        chunk({"content": "a"}, finish="stop") + chunk({"content": "b"}, index=1),
    ],
)
def test_a_cut_stream_is_an_error(wire: bytes) -> None:
    reader = translator()
    reader.feed(wire)
    with pytest.raises(UpstreamFailed):
        reader.finish()


@pytest.mark.parametrize("body", [b"nonsense", b"{}", b'{"choices":[]}', b'{"choices":[{"index":0}]}'])
def test_a_reply_that_is_no_completion_is_an_error(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        translator().whole(body)


def test_an_error_within_the_stream_is_raised() -> None:
    with pytest.raises(UpstreamRefused, match="overheated"):
        translator().feed(frame(b'{"error":{"message":"overheated"}}'))


def test_what_came_before_a_break_in_the_same_bytes_is_not_lost() -> None:
    reader = translator()
    with pytest.raises(UpstreamFailed) as failure:
        reader.feed(chunk({"role": "assistant", "content": "Paris"}) + b"data: {\n\n")
    told = [event["type"] for event in events(reader.fail(failure.value))]
    assert told == ["message_start", "content_block_start", "content_block_delta", "error"]


def test_the_sdk_raises_the_error_a_stream_ends_with() -> None:
    reader = translator()
    wire = reader.feed(chunk({"content": "a"})) + reader.fail(UpstreamTimeout("It took too long."))
    with client(wire) as sdk, pytest.raises(APIStatusError) as caught, sdk.messages.stream(**ASKED) as told:
        told.get_final_message()
    assert (caught.value.type, caught.value.api_message) == ("timeout_error", "It took too long.")


def test_the_sdk_reads_an_error_reply() -> None:
    error: GatewayError = UpstreamFailed("It broke.")
    with client(Messages().error(error), "application/json", 502) as sdk, pytest.raises(APIStatusError) as caught:
        sdk.messages.create(**ASKED)
    assert (caught.value.type, caught.value.api_message) == ("api_error", "It broke.")


def test_a_keep_alive_is_a_ping_once_the_message_began() -> None:
    reader = translator()
    assert reader.feed(b": wait\n\n") == b""
    reader.feed(chunk({"role": "assistant"}))
    assert reader.feed(b": wait\n\n") == b'event: ping\ndata: {"type":"ping"}\n\n'
