"""Single fields of a request: what is refused, and that the refusal names the field."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.wire.chat import CHECKS
from gateway.wire.fields import check_fields, check_integer, check_number, flag, take_prompt, text


def test_single_fields_are_checked_and_named() -> None:
    body: dict[str, Any] = {"s": "x", "e": "", "i": 3, "b": True, "n": 0.5, "o": []}
    assert text(body, "s") == "x"
    assert flag(body, "b") is True
    assert flag(body, "missing") is False
    check_integer(body, "i", 1, 3)
    check_number(body, "n", 0, 1)
    for bad in (
        lambda: text(body, "e"),
        lambda: text(body, "gone"),
        lambda: flag(body, "i"),
        lambda: check_integer(body, "b", 0),
        lambda: check_integer(body, "i", 4),
        lambda: check_number(body, "n", 1, 2),
        lambda: check_number(body, "s", 1, 2),
    ):
        with pytest.raises(BadRequest) as refusal:
            bad()
        assert refusal.value.param in ("e", "gone", "i", "b", "n", "s")


def test_the_prompt_object_is_taken_out_and_typed() -> None:
    body: dict[str, Any] = {"prompt": {"id": "p", "version": "2", "variables": {"q": "x"}}}
    ref = take_prompt(body)
    assert ref is not None
    assert (ref.id, ref.version, ref.variables) == ("p", "2", {"q": "x"})
    assert body == {}
    assert take_prompt({}) is None
    for wrong, param in (
        ("text", "prompt"),
        ({"id": 3}, "prompt.id"),
        ({"x": 1}, "prompt.x"),
        ({"variables": []}, "prompt.variables"),
    ):
        with pytest.raises(BadRequest) as refusal:
            take_prompt({"prompt": wrong})
        assert refusal.value.param == param


GOOD: dict[str, Any] = {
    "frequency_penalty": -2,
    "logit_bias": {"50256": -100, "11": 0.5},
    "logprobs": True,
    "max_tokens": 1,
    "metadata": {"team": "a"},
    "modalities": ["text"],
    "n": 128,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"},
    "reasoning_effort": "of next year",
    "seed": -(2**63),
    "stop": ["a", "b"],
    "store": False,
    "temperature": 2,
    "user": "",
}


def test_a_table_lets_good_values_null_and_unknown_fields_pass() -> None:
    check_fields({**GOOD, "a_field_of_next_year": object()}, CHECKS)
    check_fields(dict.fromkeys(CHECKS), CHECKS)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"frequency_penalty": "x"}, "frequency_penalty"),
        ({"presence_penalty": 2.1}, "presence_penalty"),
        ({"logit_bias": []}, "logit_bias"),
        ({"logit_bias": {"the": 1}}, "logit_bias.the"),
        ({"logit_bias": {"\u00b2": 1}}, "logit_bias.\u00b2"),
        ({"logit_bias": {"11": "1"}}, "logit_bias.11"),
        ({"logit_bias": {"11": True}}, "logit_bias.11"),
        ({"logit_bias": {"11": -101}}, "logit_bias.11"),
        ({"logprobs": 1}, "logprobs"),
        ({"max_completion_tokens": 2**31}, "max_completion_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 1e308}, "max_tokens"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"modalities": "text"}, "modalities"),
        ({"n": 1000}, "n"),
        ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
        ({"prediction": "x"}, "prediction"),
        ({"reasoning_effort": 3}, "reasoning_effort"),
        ({"seed": 2**63}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"stop": [None]}, "stop"),
        ({"stop": 3}, "stop"),
        ({"store": "yes"}, "store"),
        ({"temperature": []}, "temperature"),
        ({"user": {}}, "user"),
    ],
)
def test_a_table_refuses_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        check_fields(fields, CHECKS)
    assert refusal.value.param == param


WRONG = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()) | st.just({"a": []})


@given(st.sampled_from(sorted(CHECKS)), WRONG)
def test_a_check_raises_nothing_but_a_bad_request_that_names_the_field(name: str, value: Any) -> None:
    param: str | None = name
    try:
        check_fields({name: value}, CHECKS)
    except BadRequest as refusal:
        param = refusal.param
    assert param is not None
    assert re.split(r"[.\[]", param)[0] == name
