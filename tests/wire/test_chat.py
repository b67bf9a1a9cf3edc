"""Chat completions: requests are checked, bytes pass through, cut streams are never reported as success."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest, UpstreamFailed, UpstreamRefused
from gateway.types import Usage
from gateway.wire.chat import Chat, PassThrough
from gateway.wire.sse import DONE, frame

HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
HEAD = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up"}
USAGE = {
    "prompt_tokens": 7,
    "completion_tokens": 3,
    "total_tokens": 10,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 1},
}


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return frame(orjson.dumps({**HEAD, "choices": [choice], **more}))


ROLE = chunk({"role": "assistant", "content": ""})
WORD = chunk({"content": "h\u00e9llo \U0001f30d"})
STOP = chunk({}, "stop")
BILL = frame(orjson.dumps({**HEAD, "choices": [], "usage": USAGE}))
STREAM = ROLE + WORD + STOP + BILL + DONE


def translator(**fields: Any) -> PassThrough:
    return Chat().translator(Chat().read({**HELLO, **fields}))


def run(stream: bytes, cuts: list[int], **fields: Any) -> bytes:
    made = translator(stream=True, **fields)
    out = b""
    last = 0
    for cut in [*sorted(c % (len(stream) + 1) for c in cuts), len(stream)]:
        if cut > last:
            out += made.feed(stream[last:cut])
            last = cut
    return out + made.finish()


@given(st.lists(st.integers(0, 10_000), max_size=30))
def test_events_cut_at_any_byte_come_out_whole_and_unchanged(cuts: list[int]) -> None:
    assert run(STREAM, cuts, stream_options={"include_usage": True}) == STREAM


@given(st.lists(st.integers(0, 10_000), max_size=30))
def test_usage_the_client_did_not_ask_for_is_not_shown(cuts: list[int]) -> None:
    with_nulls = ROLE.replace(b"}\n", b',"usage":null}\n') + WORD + STOP + BILL + DONE
    assert run(with_nulls, cuts) == ROLE + WORD + STOP + DONE


def test_usage_and_finish_are_metered() -> None:
    made = translator(stream=True)
    made.feed(STREAM)
    assert made.meter.usage == Usage(input=7, output=3, cached=2, reasoning=1)
    assert made.meter.finish == {0: "stop"}
    assert made.meter.model == "up"


def test_a_missing_done_after_a_clean_end_is_added() -> None:
    assert run(ROLE + WORD + STOP, []) == ROLE + WORD + STOP + DONE


@pytest.mark.parametrize("stream", [b"", ROLE, ROLE + WORD, ROLE + WORD + STOP[:-9], ROLE + WORD + STOP + BILL[:30]])
def test_a_cut_stream_is_never_a_success(stream: bytes) -> None:
    made = translator(stream=True)
    made.feed(stream)
    with pytest.raises(UpstreamFailed) as failure:
        made.finish()
    assert failure.value.code == "upstream_cut"


def test_every_choice_must_finish() -> None:
    made = translator(stream=True, n=2)
    made.feed(ROLE + chunk({"content": "x"}, index=1) + STOP)
    with pytest.raises(UpstreamFailed):
        made.finish()


@pytest.mark.parametrize(
    "garbage", [b"data: {\n\n", b"data: <html>\n\n", b'data: {"choices": 3}\n\n', b"data: \xff\n\n"]
)
def test_garbage_in_a_stream_is_an_upstream_failure(garbage: bytes) -> None:
    with pytest.raises(UpstreamFailed) as failure:
        translator(stream=True).feed(garbage)
    assert failure.value.code == "upstream_garbage"


def test_an_error_in_the_stream_is_raised_with_its_words() -> None:
    event = frame(
        orjson.dumps({"error": {"message": "overloaded", "type": "server_error", "param": None, "code": "busy"}})
    )
    with pytest.raises(UpstreamRefused) as failure:
        translator(stream=True).feed(event)
    assert (failure.value.message, failure.value.code) == ("overloaded", "busy")


def test_the_in_band_error_has_the_four_keys_and_no_done_follows() -> None:
    event = translator(stream=True).fail(UpstreamFailed("cut", code="upstream_cut"))
    assert orjson.loads(event.removeprefix(b"data: ")) == {
        "error": {"message": "cut", "type": "upstream_error", "param": None, "code": "upstream_cut"}
    }


def test_what_came_before_a_break_in_the_same_bytes_is_not_lost() -> None:
    made = translator(stream=True)
    with pytest.raises(UpstreamFailed) as failure:
        made.feed(ROLE + WORD + b"data: {\n\n")
    assert made.fail(failure.value).startswith(ROLE + WORD + b'data: {"error"')


def test_nothing_follows_done() -> None:
    made = translator(stream=True)
    assert made.feed(STREAM) == ROLE + WORD + STOP + DONE
    assert made.feed(b": late\n\n" + DONE + WORD) == b""
    assert made.finish() == b""


@pytest.mark.parametrize("usage", [b'"usage": null', b'"usage":null', b'"usage": {"completion_tokens": 3}'])
def test_usage_is_not_shown_however_it_is_written(usage: bytes) -> None:
    choice = b'"choices":[{"index":0,"delta":{"content":"usage"}}]'
    made = translator(stream=True)
    for written in (b"{%b,%b}", b'{%b,%b,"obfuscation":"x"}', b"{%b, %b}"):
        shown = orjson.loads(made.feed(b"data: %b\n\n" % (written % (choice, usage))).removeprefix(b"data: "))
        shown.pop("obfuscation", None)
        assert shown == orjson.loads(b"{%b}" % choice)
    assert made.feed(b"data: {%b}\n\n" % choice) == b"data: {%b}\n\n" % choice


def test_comments_are_passed_on() -> None:
    made = translator(stream=True)
    assert made.feed(b": keep-alive\n\n" + ROLE) == b": keep-alive\n\n" + ROLE


def test_a_whole_reply_passes_unchanged_and_is_metered() -> None:
    message = {"role": "assistant", "content": "hello", "refusal": None}
    token = {"token": "hello", "logprob": -0.1, "bytes": None, "top_logprobs": []}
    logprobs = {"content": [token], "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "length"}
    body = orjson.dumps({**HEAD, "choices": [choice], "usage": USAGE, "x_new": True})
    made = translator()
    assert made.whole(body) == body
    assert made.meter.finish == {0: "length"}
    assert made.meter.usage == Usage(input=7, output=3, cached=2, reasoning=1)
    for bad in (b"", b"<html>", b"{}", b"[]"):
        with pytest.raises(UpstreamFailed):
            translator().whole(bad)


def test_a_reply_without_figures_is_estimated_and_says_so() -> None:
    made = translator(stream=True)
    made.feed(ROLE + WORD + WORD)
    estimate = made.meter.estimate(HELLO)
    assert estimate.estimated
    assert estimate.output >= 2
    assert estimate.input > 0


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "Content": "x", "content": "y"}]}, "messages[0].Content"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"n": 0}, "n"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": "x"}, "top_p"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": []}}, "response_format.type"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": "{}"}}},
            "response_format.json_schema.schema",
        ),
        ({"messages": [{"role": [], "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "x", "name": 3}]}, "messages[0].name"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": "x"}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": [3]}]}, "messages[0].tool_calls[0]"),
        (
            {"messages": [{"role": "assistant", "content": "", "tool_calls": [{"type": "function"}]}]},
            "messages[0].tool_calls[0].function.name",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "http://x"}]}]},
            "messages[0].content[0].image_url",
        ),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        ({"tool_choice": 3}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"stream": True, "stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
        ({"Stream": True}, "Stream"),
        ({"prompt": "text"}, "prompt"),
    ],
)
def test_bad_requests_name_the_field(fields: dict[str, Any], param: str) -> None:
    body = {key: value for key, value in {**HELLO, **fields}.items() if value is not None}
    with pytest.raises(BadRequest) as refusal:
        Chat().read(body)
    assert refusal.value.param == param


def test_good_requests_keep_unknown_fields() -> None:
    body = {
        **HELLO,
        "messages": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "input_audio", "input_audio": {}}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}], "reasoning_content": "kept"},
            {"role": "tool", "content": "4", "tool_call_id": "1"},
        ],
        "safety_identifier": "u",
        "a_field_of_next_year": {"x": 1},
    }
    call = Chat().read(dict(body))
    assert call.body == body
    assert not call.stream


def test_messages_may_be_left_out_when_a_prompt_is_named() -> None:
    call = Chat().read({"model": "m", "prompt": {"variables": {"q": "x"}}})
    assert call.body["messages"] == []
    assert call.prompt is not None
    assert "prompt" not in call.body
