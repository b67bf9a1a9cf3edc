"""Files from elsewhere are bounded, and their names made ours."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import BadRequest
from gateway.prompts.formats.source import MAX_BYTES, MAX_DEPTH, left_out, named, parse_json


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[NaN]", "not valid JSON"),
        ('{"a": 1, "b": [{"c": 1, "c": 2}]}', "The key 'c' is given twice"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested deeper than"),
        ('{"a":' * 500 + "1" + "}" * 500, "nested deeper than"),
        ('"' + "a" * MAX_BYTES + '"', "larger than 16 MiB"),
        ('"\\ud800"', "not valid JSON"),
    ],
)
def test_what_is_no_file_of_ours_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as refused:
        parse_json(text)
    assert refused.value.code == "invalid_prompt_file"


def test_what_is_within_the_bounds_is_read() -> None:
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    assert parse_json('{"a": [1, "é", null]}') == {"a": [1, "é", None]}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("support/greeting", "support/greeting"),
        ("Movie Critic", "movie-critic"),
        ("_Private/Été 2", "private/t-2"),
        ("a__b.C", "a__b.c"),
        ("a-/b_", "a-/b_"),
        ("a./b", "a/b"),
        ("Hello!", "hello"),
    ],
)
def test_a_name_is_made_ours_and_that_is_told(theirs: str, ours: str) -> None:
    name, told = named(theirs, "name")
    assert (name, bool(told)) == (ours, ours != theirs)


@pytest.mark.parametrize("theirs", ["", "!?", "a//b", "x" * 65, "versions/a", "../..", None])
def test_a_name_that_cannot_be_ours_is_refused(theirs: str | None) -> None:
    with pytest.raises(BadRequest) as refused:
        named(theirs, "[1].name")
    assert refused.value.param == "[1].name"


def test_what_is_left_out_is_told_unless_it_is_nothing() -> None:
    held: dict[str, Any] = {"b": 1, "a": 0, "taken": 1, "none": None, "empty": [], "off": False}
    assert left_out(held, ("taken",), "config") == ["config.a is left out", "config.b is left out"]
