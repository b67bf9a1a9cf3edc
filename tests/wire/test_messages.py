"""The request side of Messages: what a chat completion's upstream is asked, and which field is at fault."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from anthropic.types.shared import ErrorResponse
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.errors import (
    BadRequest,
    Forbidden,
    GatewayError,
    Internal,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedParam,
    UpstreamFailed,
    UpstreamTimeout,
)
from gateway.wire.messages import Messages
from gateway.wire.surface import Call


def read(**fields: Any) -> Call:
    body = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], **fields}
    return Messages().read({name: value for name, value in body.items() if value is not ...})


def turn(*blocks: Any, role: str = "user") -> list[dict[str, Any]]:
    messages = read(messages=[{"role": role, "content": list(blocks)}]).body["messages"]
    return list(messages)


def block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def test_the_smallest_request() -> None:
    call = read()
    assert call.body == {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 100}
    assert (call.model, call.stream, call.prompt) == ("m", False, None)


def test_every_simple_field_finds_its_place() -> None:
    call = read(
        stream=True,
        system="Be brief.",
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop_sequences=["END"],
        metadata={"user_id": "u-1"},
        service_tier="standard_only",
        cache_control={"type": "ephemeral"},
        seed=7,
    )
    assert call.stream
    assert call.body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_completion_tokens": 100,
        "stream": True,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "stop": ["END"],
        "user": "u-1",
        "service_tier": "default",
        "seed": 7,
    }


def test_the_clients_body_is_left_alone() -> None:
    body = {"model": "m", "max_tokens": 1, "prompt": {"id": "p", "variables": {"a": 1}}, "tools": []}
    before = copy.deepcopy(body)
    call = Messages().read(body)
    assert body == before
    assert call.asked is body
    assert call.prompt is not None
    assert (call.prompt.id, call.prompt.variables) == ("p", {"a": 1})
    assert call.body == {"model": "m", "messages": [], "max_completion_tokens": 1}


def test_system_blocks_and_system_turns() -> None:
    cached = block("text", text="One.", cache_control={"type": "ephemeral"})
    call = read(
        system=[cached, block("text", text="Two.")],
        messages=[{"role": "user", "content": "Hi"}, {"role": "system", "content": [block("text", text="Three.")]}],
    )
    assert [m["content"] for m in call.body["messages"]] == ["One.\n\nTwo.", "Hi", "Three."]


def test_a_tool_round_trip() -> None:
    call = read(
        messages=[
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": [
                    block("thinking", thinking="hm", signature="s"),
                    block("redacted_thinking", data="x"),
                    block("text", text="Let me "),
                    block("text", text="look."),
                    block("tool_use", id="toolu_1", name="weather", input={"city": "Zürich"}),
                    block("tool_use", id="toolu_2", name="clock", input={}),
                ],
            },
            {
                "role": "user",
                "content": [
                    block("text", text="And?"),
                    block("tool_result", tool_use_id="toolu_1", content="rain"),
                    block("tool_result", tool_use_id="toolu_2", is_error=True, content=[block("text", text="broken")]),
                ],
            },
        ]
    )
    assert call.body["messages"] == [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [
                {
                    "id": "toolu_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Zürich"}'},
                },
                {"id": "toolu_2", "type": "function", "function": {"name": "clock", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_1", "content": "rain"},
        {"role": "tool", "tool_call_id": "toolu_2", "content": "Error: broken"},
        {"role": "user", "content": "And?"},
    ]


def test_a_turn_of_calls_alone_has_no_content() -> None:
    (message,) = turn(block("tool_use", id="t", name="f", input={}), role="assistant")
    assert message["content"] is None


def test_images_of_a_tool_result_move_behind_it() -> None:
    image = block("image", source={"type": "base64", "media_type": "image/png", "data": "AAAA"})
    tool, user = turn(block("tool_result", tool_use_id="t", content=[block("text", text="see"), image]))
    assert tool == {"role": "tool", "tool_call_id": "t", "content": "see"}
    assert user["content"][0] == {"type": "text", "text": "Attached to the result of tool call t:"}
    assert user["content"][1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({"type": "text", "media_type": "text/plain", "data": "body"}, {"type": "text", "text": "T\n\nC\n\nbody"}),
        ({"type": "content", "content": "body"}, {"type": "text", "text": "T\n\nC\n\nbody"}),
        ({"type": "content", "content": [{"type": "text", "text": "body"}]}, {"type": "text", "text": "body"}),
        (
            {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            {"type": "file", "file": {"filename": "T", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
    ],
)
def test_documents(source: dict[str, Any], part: dict[str, Any]) -> None:
    ask, url = block("text", text="?"), block("image", source={"type": "url", "url": "https://a.b/c.png"})
    (message,) = turn(ask, url, block("document", source=source, title="T", context="C"))
    assert message["content"][0] == {"type": "text", "text": "?"}
    assert message["content"][1] == {"type": "image_url", "image_url": {"url": "https://a.b/c.png"}}
    assert message["content"][-1] == part


def test_tools_and_their_choice() -> None:
    schema = {"type": "object", "properties": {}}
    tool = {"name": "f", "description": "d", "input_schema": schema, "strict": True, "cache_control": None}
    call = read(
        tools=[tool, {"type": "custom", "name": "g", "input_schema": schema}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
    )
    f = {"name": "f", "parameters": schema, "description": "d", "strict": True}
    assert call.body["tools"] == [
        {"type": "function", "function": f},
        {"type": "function", "function": {"name": "g", "parameters": schema}},
    ]
    assert call.body["tool_choice"] == "required"
    assert call.body["parallel_tool_calls"] is False
    assert read(tool_choice={"type": "auto"}).body["tool_choice"] == "auto"
    assert read(tool_choice={"type": "none"}).body["tool_choice"] == "none"
    named = {"type": "function", "function": {"name": "f"}}
    assert read(tool_choice={"type": "tool", "name": "f"}).body["tool_choice"] == named


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4096}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, "high"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "disabled"}}, None),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "xhigh"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "high"}}, "high"),
    ],
)
def test_thinking_becomes_effort(fields: dict[str, Any], effort: str | None) -> None:
    body = read(**fields).body
    assert body.get("reasoning_effort") == effort
    assert "thinking" not in body
    assert "output_config" not in body


@pytest.mark.parametrize("name", ["output_format", "output_config"])
def test_a_schema_for_the_answer(name: str) -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    body = read(**{name: wanted if name == "output_format" else {"format": wanted}}).body
    named = {"name": "output", "schema": {"type": "object"}, "strict": True}
    assert body["response_format"] == {"type": "json_schema", "json_schema": named}


def test_a_long_user_id_is_hashed() -> None:
    user = read(metadata={"user_id": "u" * 65, "team": "a"}).body
    assert len(user["user"]) == 64
    assert user["user"] != "u" * 64
    assert user["metadata"] == {"team": "a"}


def first(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": list(blocks)}]}


TEXT = block("text", text="a")
IMAGE = block("image", source={"type": "file", "file_id": "f"})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ...}, "model"),
        ({"model": 3}, "model"),
        ({"max_tokens": ...}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "1"}, "max_tokens"),
        ({"stream": 1}, "stream"),
        ({"temperature": 3}, "temperature"),
        ({"top_k": -1}, "top_k"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"stop_sequences": ["a", 1]}, "stop_sequences[1]"),
        ({"system": 1}, "system"),
        ({"system": [IMAGE]}, "system[0].type"),
        ({"messages": ...}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["a"]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        (first("a"), "messages[0].content[0]"),
        (first(TEXT, {"text": "a"}), "messages[0].content[1].type"),
        (first(TEXT, block("nope")), "messages[0].content[1].type"),
        (first(block("text", text=1)), "messages[0].content[0].text"),
        (first(block("tool_use", id="a", name="b", input={})), "messages[0].content[0].type"),
        (first(block("server_tool_use"), role="assistant"), "messages[0].content[0].type"),
        (first(block("tool_use", id="a", name="b", input="{}"), role="assistant"), "messages[0].content[0].input"),
        (first(block("tool_use", name="b", input={}), role="assistant"), "messages[0].content[0].id"),
        (first(block("tool_result")), "messages[0].content[0].tool_use_id"),
        (first(block("tool_result", tool_use_id="a", is_error="no")), "messages[0].content[0].is_error"),
        (
            first(block("tool_result", tool_use_id="a", content=[TEXT, block("x")])),
            "messages[0].content[0].content[1].type",
        ),
        (first(block("image")), "messages[0].content[0].source"),
        (first(block("image", source={"data": "a"})), "messages[0].content[0].source.type"),
        (first(IMAGE), "messages[0].content[0].source.type"),
        (first(block("image", source={"type": "url", "url": "file:///x"})), "messages[0].content[0].source.url"),
        (
            first(block("image", source={"type": "base64", "media_type": "text/html", "data": "a"})),
            "messages[0].content[0].source.media_type",
        ),
        (first(block("document", source={"type": "url", "url": "https://a"})), "messages[0].content[0].source.type"),
        (
            first(block("document", citations={"enabled": True}, source={"type": "text", "data": "a"})),
            "messages[0].content[0].citations",
        ),
        (
            first(block("document", source={"type": "content", "content": [block("document")]})),
            "messages[0].content[0].source.content[0].type",
        ),
        ({"tools": {}}, "tools"),
        ({"tools": ["a"]}, "tools[0]"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tools": [{"name": "f", "input_schema": {}, "description": 1}]}, "tools[0].description"),
        ({"tools": [{"name": "f", "input_schema": {}, "strict": 1}]}, "tools[0].strict"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {"type": "required"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        (
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": 1}},
            "tool_choice.disable_parallel_tool_use",
        ),
        ({"thinking": {"type": "on"}}, "thinking.type"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"output_format": {"type": "json_schema"}}, "output_format.schema"),
        ({"metadata": {"user_id": 1}}, "metadata.user_id"),
        ({"container": "c"}, "container"),
        ({"n": 2}, "n"),
        ({"stream": True, "stream_options": "usage"}, "stream_options"),
        ({"Messages": []}, "Messages"),
        ({"Max_Completion_Tokens": 1}, "Max_Completion_Tokens"),
        ({"prompt": {"name": "x"}}, "prompt.name"),
    ],
)
def test_the_field_at_fault_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(**fields)
    assert caught.value.param == param


def test_a_server_tool_is_unsupported_not_invalid() -> None:
    with pytest.raises(UnsupportedParam):
        read(tools=[{"type": "web_search_20250305", "name": "web_search"}])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("no", param="messages"), "invalid_request_error"),
        (Unauthenticated("no"), "authentication_error"),
        (Forbidden("no"), "permission_error"),
        (NotFound("no"), "not_found_error"),
        (TooLarge("no"), "request_too_large"),
        (RateLimited("no"), "rate_limit_error"),
        (Internal("no"), "api_error"),
        (UpstreamFailed("no"), "api_error"),
        (Unavailable("no"), "overloaded_error"),
        (UpstreamTimeout("no"), "timeout_error"),
    ],
)
def test_errors_are_anthropics(error: GatewayError, kind: str) -> None:
    told = orjson.loads(Messages().error(error))
    assert told["type"] == "error"
    assert told["error"] == {"type": kind, "message": "no", "param": error.param, "code": error.code}
    if kind != "request_too_large":  # known to the API's reference, not to the SDK's types
        assert TypeAdapter(ErrorResponse).validate_python(told).error.type == kind


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["text", "image", "tool_result"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "source", "content", "tool_use_id", "input", "role", "name"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["messages", "system", "tools", "tool_choice", "thinking", "output_config"]), anything)
def test_nothing_but_a_bad_request_is_raised(name: str, value: Any) -> None:
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}], name: value}
    try:
        call = Messages().read(body)
    except BadRequest as error:
        fault = error.param
    else:
        fault = call.model
    assert fault
