"""Schemas that somebody gives: what leads out of one is refused with its place. That nothing is asked or opened for
one is shown in tests/security/test_schema_references.py."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import BadRequest
from gateway.prompts.schemas import compile_schema

ELSEWHERE = (
    "http://127.0.0.1:9/x",
    "https://example.com/x",
    "file:///etc/passwd",
    "//example.com/x",
    "other",
    "/x",
    "",
)
PLACES: dict[str, Any] = {
    "$ref": lambda ref: {"$ref": ref},
    "$dynamicRef": lambda ref: {"$dynamicRef": ref},
    "$recursiveRef": lambda ref: {"$recursiveRef": ref},
    "properties.a.$ref": lambda ref: {"properties": {"a": {"$ref": ref}}},
    "$defs.a.items.$ref": lambda ref: {"$defs": {"a": {"items": {"$ref": ref}}}},
    "anyOf.1.$ref": lambda ref: {"anyOf": [{}, {"$ref": ref}]},
    "properties.a.default.$ref": lambda ref: {"properties": {"a": {"default": {"$ref": ref}}}},
    "unheard_of.$ref": lambda ref: {"unheard_of": {"$ref": ref}, "$ref": "#/unheard_of"},
    "properties.a.not.$ref": lambda ref: {"$id": "http://127.0.0.1:9/", "properties": {"a": {"not": {"$ref": ref}}}},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reference", ELSEWHERE)
def test_what_leads_out_is_refused_with_its_place(place: str, reference: str) -> None:
    with pytest.raises(BadRequest) as refused:
        compile_schema(PLACES[place](reference), "variables")
    assert (refused.value.param, refused.value.code) == (f"variables.{place}", "invalid_schema")
    assert refused.value.message.startswith(f"variables.{place}: ")


@pytest.mark.parametrize("schema", [{"$schema": "http://127.0.0.1:9/x"}, {"$defs": {"a": {"$schema": "file:///x"}}}])
def test_a_vocabulary_of_somebody_s_own_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as refused:
        compile_schema(schema, "variables")
    assert str(refused.value.param).endswith("$schema")


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"a": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/a"}}},
        {"$defs": {"a": {"$anchor": "word", "type": "string"}}, "properties": {"x": {"$ref": "#word"}}},
        {"$defs": {"a": {"$dynamicAnchor": "word", "type": "string"}}, "properties": {"x": {"$dynamicRef": "#word"}}},
        {
            "$id": "https://example.com/mine",
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"a": {"type": "string"}},
            "properties": {"x": {"$ref": "#/$defs/a"}},
        },
        {"properties": {"$ref": {"type": "string"}, "x": {"type": "string"}}},
    ],
)
def test_what_stays_inside_is_a_schema(schema: dict[str, Any]) -> None:
    compiled = compile_schema(schema, "variables")
    assert compiled.is_valid({"x": "a"})
    assert not compiled.is_valid({"x": 1})


@pytest.mark.parametrize("schema", [{"$ref": "#/$defs/ghost"}, {"$ref": "#ghost"}, {"properties": {"a": {"$ref": 5}}}])
def test_a_reference_to_nothing_is_no_schema(schema: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="variables: this is not a JSON Schema"):
        compile_schema(schema, "variables")
