"""Picoschema to JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import BadRequest
from gateway.prompts.formats.picoschema import read


def test_every_kind_of_field() -> None:
    found = read(
        {
            "title": "string, what it is called, in short",
            "draft?": "boolean",
            "extra": "any",
            "status?(enum, where it stands)": ["NEW", "OLD"],
            "tags(array, all of them)": "string",
            "authors(array)": {"name": "string", "email?": "string"},
            "place(object)": {"city": "string"},
            "size": {"width": "integer"},
            "(*)": "number",
        },
        "input.schema",
    )

    def an_object(required: list[str], **properties: Any) -> dict[str, Any]:
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    text = {"type": "string"}
    assert found == {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "what it is called, in short"},
            "draft": {"type": "boolean"},
            "extra": {},
            "status": {"enum": ["NEW", "OLD"], "description": "where it stands"},
            "tags": {"type": "array", "items": text, "description": "all of them"},
            "authors": {"type": "array", "items": an_object(["name"], name=text, email=text)},
            "place": an_object(["city"], city=text),
            "size": an_object(["width"], width={"type": "integer"}),
        },
        "required": ["title", "extra", "tags", "authors", "place", "size"],
        "additionalProperties": {"type": "number"},
    }


@pytest.mark.parametrize(
    ("given", "schema"),
    [
        ({"type": "array", "items": {}}, {"type": "array", "items": {}}),
        ({"properties": {"a": {}}}, {"properties": {"a": {}}, "type": "object"}),
        ("string, a text", {"type": "string", "description": "a text"}),
    ],
)
def test_what_is_a_schema_stays_one(given: Any, schema: dict[str, Any]) -> None:
    assert read(given, "output.schema") == schema


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("Recipe", "s"),
        ({"a": "Recipe"}, "s.a"),
        ({"a": {"b": 3}}, "s.a.b"),
        ({"a(map)": "string"}, "s.a(map)"),
        ({"a(enum)": "x"}, "s.a(enum)"),
        ({"a(array": "string"}, "s.a(array"),
        (["string"], "s"),
    ],
)
def test_what_is_none_is_refused_by_its_place(given: Any, at: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(given, "s")
    assert refused.value.param == at
