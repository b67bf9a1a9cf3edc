"""Variables of formats that have little more than names for them."""

from __future__ import annotations

from gateway.prompts.formats.schema import declared, lost_variables
from tests.prompts.formats.exchanging import draft


def test_variables_are_texts_unless_more_is_known() -> None:
    assert declared(["b", "a"], ["c"], {"a": "x", "d": 1}) == {
        "a": {"type": "string", "default": "x"},
        "b": {"type": "string"},
        "c": {},
    }
    assert declared(["a"], (), {"a": 1}) == {"a": {"default": 1}}


def test_what_a_schema_says_beyond_a_name_is_told() -> None:
    schema = {
        "type": "object",
        "properties": {
            "plain": {"type": "string"},
            "told": {"type": "string", "description": "d", "examples": ["e"]},
            "many": {"type": "array", "items": {}},
            "free": {"type": "string"},
            "kept": {"type": "string", "default": "k"},
        },
        "required": ["plain", "told", "many"],
        "additionalProperties": True,
        "minProperties": 1,
    }
    assert lost_variables(draft("a", variables=schema), frozenset(("default",))) == (
        "variables.free: that it may be left out",
        "variables.many: items, type 'array'",
        "variables.told: description, examples",
        "variables: minProperties",
        "variables: additionalProperties",
    )
