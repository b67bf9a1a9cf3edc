"""The request side of the responses API: what becomes of each field, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest, UnsupportedParam
from gateway.wire.responses import FIELDS, Responses
from gateway.wire.surface import Call


def read(**fields: Any) -> Call:
    return Responses().read({"model": "m", "input": "hi", **fields})


def sent(**fields: Any) -> dict[str, Any]:
    """What is sent on, without the model and the one message."""
    body = dict(read(**fields).body)
    del body["model"], body["messages"]
    return body


def test_the_smallest_request() -> None:
    call = read()
    assert call.body == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    assert call.turn == [{"role": "user", "content": "hi"}]
    assert (call.store, call.background, call.stream, call.previous) == (True, False, False, None)


def test_every_simple_field_finds_its_place() -> None:
    schema = {"type": "object"}
    body = sent(
        instructions="Be brief.",
        max_output_tokens=9,
        reasoning={"effort": "low", "summary": "auto"},
        text={"verbosity": "low", "format": {"type": "json_schema", "name": "a", "schema": schema, "strict": True}},
        tools=[{"type": "function", "name": "f", "parameters": schema, "strict": None}],
        tool_choice={"type": "function", "name": "f"},
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        top_logprobs=2,
        temperature=0.5,
        parallel_tool_calls=False,
        user="u",
        metadata={"a": "b"},
        truncation="auto",
        max_tool_calls=3,
        a_field_of_next_year=[1],
    )
    assert body == {
        "max_completion_tokens": 9,
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "logprobs": True,
        "top_logprobs": 2,
        "temperature": 0.5,
        "parallel_tool_calls": False,
        "user": "u",
        "a_field_of_next_year": [1],
    }


def test_nulls_are_fields_left_out() -> None:
    assert sent(**dict.fromkeys(FIELDS - {"input", "model", "messages"})) == {}


@pytest.mark.parametrize(
    ("kind", "given"), [("text", {}), ("json_object", {"response_format": {"type": "json_object"}})]
)
def test_formats_without_a_schema(kind: str, given: dict[str, Any]) -> None:
    assert sent(text={"format": {"type": kind}}) == given


def test_log_probabilities_are_asked_for_by_their_number_too() -> None:
    assert sent(top_logprobs=2) == {"logprobs": True, "top_logprobs": 2}
    assert sent(top_logprobs=0) == {}


def test_a_conversation_becomes_messages() -> None:
    call = read(
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": [{"type": "input_text", "text": "Mind the cat."}]},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What?"},
                    {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "low"},
                    {"type": "input_file", "file_data": "data:,x", "filename": "a.txt"},
                ],
            },
            {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "g", "arguments": ""},
            {"type": "function_call_output", "call_id": "c1", "output": "1"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "2"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        ],
    )
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
    ]
    assert call.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Mind the cat."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What?"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:,x", "filename": "a.txt"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
        {"role": "assistant", "content": "No."},
    ]
    assert call.turn[2]["encrypted_content"] == "gAAA"


USER = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 3}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"role": [], "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "video"}]}]}, "input[0].content[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].image_url"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "u", "detail": 3}]}]},
            "input[0].content[0].detail",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
            "input[0].content[0].file_id",
        ),
        ({"input": [USER, {"type": "reasoning", "role": "system", "content": "x"}]}, "input[1].role"),
        ({"input": [{"type": "function_call", "name": "f", "arguments": {}}]}, "input[0].arguments"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": 3}]}, "input[0].output"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"type": "web_search_call"}]}, "input[0].type"),
        ({"instructions": []}, "instructions"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": 2**31}, "max_output_tokens"),
        ({"max_tool_calls": 0}, "max_tool_calls"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"previous_response_id": 3}, "previous_response_id"),
        ({"reasoning": {"effort": 3}}, "reasoning.effort"),
        ({"reasoning": "low"}, "reasoning"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema"),
        ({"text": {"verbosity": 1}}, "text.verbosity"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": 3}]}, "tools[0].parameters"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"tool_choice": "some"}, "tool_choice"),
        ({"include": ["file_search_call.results"]}, "include[0]"),
        ({"include": "x"}, "include"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"truncation": "some"}, "truncation"),
        ({"background": True, "stream": True}, "stream"),
        ({"background": True, "store": False}, "store"),
        ({"store": "yes"}, "store"),
        ({"stream_options": {}}, "stream_options"),
        ({"prompt": "p"}, "prompt"),
        ({"conversation": "c"}, "conversation"),
        ({"n": 2}, "n"),
        ({"messages": []}, "messages"),
        ({"max_tokens": 3}, "max_tokens"),
        ({"response_format": {}}, "response_format"),
        ({"seed": "x"}, "seed"),
        ({"logit_bias": {"x": 1}}, "logit_bias.x"),
        ({"Input": "x"}, "Input"),
    ],
)
def test_the_field_at_fault_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        read(**fields)
    assert refusal.value.param == param


def test_what_cannot_be_had_is_unsupported_not_invalid() -> None:
    for fields in ({"tools": [{"type": "web_search"}]}, {"conversation": "c"}, {"include": ["x"]}):
        with pytest.raises(UnsupportedParam):
            read(**fields)


def test_input_may_be_left_out_where_something_else_is_said() -> None:
    assert read(input=None, previous_response_id="resp_1").previous == "resp_1"
    call = read(input=None, prompt={"id": "p", "variables": {"q": "x"}})
    assert call.prompt is not None
    assert call.body["messages"] == []
    assert "prompt" not in call.body


def test_the_clients_body_is_left_alone() -> None:
    body = {"model": "m", "input": [dict(USER)], "prompt": {"id": "p"}, "tools": [], "top_logprobs": 0}
    before = repr(body)
    assert Responses().read(body).asked is body
    assert repr(body) == before


WRONG = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "role", "content"]), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(FIELDS)), WRONG)
def test_nothing_but_a_bad_request_that_names_a_field_is_raised(name: str, value: Any) -> None:
    param: str | None = name
    try:
        read(**{name: value})
    except BadRequest as refusal:
        param = refusal.param
    assert param
