"""Picoschema, Dotprompt's short form of a JSON Schema: `{name: string, tags?(array, all of them): string}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.prompts.formats.source import below, mapping, refusal
from gateway.types import Json

SCALARS = ("any", "boolean", "integer", "null", "number", "string")
_KEY = re.compile(r"(?P<name>[^?(]+)(?P<optional>\??)(?:\((?P<kind>\w+)(?:, *(?P<told>.*))?\))?", re.DOTALL)
WILDCARD = "(*)"


def read(given: Any, at: str) -> Json:
    """A JSON Schema stays as it is. Raises `BadRequest` for a schema that is only named: it is kept elsewhere."""
    if isinstance(given, Mapping):
        if given.get("type") in (*SCALARS, "object", "array"):
            return dict(given)
        if isinstance(given.get("properties"), Mapping):
            return {**given, "type": "object"}
        return _object(mapping(given, at), at)
    return _scalar(given, at)


def _scalar(given: Any, at: str) -> Json:
    kind, _, told = given.partition(",") if isinstance(given, str) else ("", "", "")
    if kind.strip() not in SCALARS:
        raise refusal(at, f"the type is one of {', '.join(SCALARS)}: schemas by name are kept elsewhere")
    schema = {} if kind.strip() == "any" else {"type": kind.strip()}
    return {**schema, "description": told.strip()} if told.strip() else schema


def _object(fields: Json, at: str) -> Json:
    schema: Json = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    for key, given in fields.items():
        place = below(at, key)
        if key == WILDCARD:
            schema["additionalProperties"] = _inner(given, place)
            continue
        found = _KEY.fullmatch(key)
        if found is None:
            raise refusal(place, "a field is written as name, name?, or name?(array, what it is)")
        told = {"description": found["told"]} if found["told"] else {}
        schema["properties"][found["name"]] = {**_field(found["kind"], given, place), **told}
        if not found["optional"]:
            schema["required"].append(found["name"])
    return schema


def _field(kind: str | None, given: Any, at: str) -> Json:
    if kind is None or kind == "object":
        return _inner(given, at)
    if kind == "array":
        return {"type": "array", "items": _inner(given, at)}
    if kind == "enum" and isinstance(given, list):
        return {"enum": given}
    raise refusal(at, "in brackets stands array, object, or enum with a list of values")


def _inner(given: Any, at: str) -> Json:
    return _object(given, at) if isinstance(given, dict) else _scalar(given, at)
