"""JSON Schemas (draft 2020-12) as somebody gives them: complete in themselves. Nothing is fetched or read for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from gateway.errors import BadRequest
from gateway.types import Json

REFERENCES = frozenset(("$ref", "$dynamicRef", "$recursiveRef"))
DIALECTS = ("https://json-schema.org/", "http://json-schema.org/")
"""What `$schema` begins with: those that the validator knows by itself."""
MAX_SHOWN = 80
"""Characters of a key, in the place of a fault."""


def compile_schema(schema: Json, where: str) -> jsonschema_rs.Draft202012Validator:
    """Raises `BadRequest` naming the place, which begins with `where`, for what is not a schema and for what refers to
    something outside of it."""
    for at, what in _outside(schema, where):
        raise BadRequest(f"{at}: {what}.", param=at, code="invalid_schema")
    try:
        return jsonschema_rs.Draft202012Validator(schema, retriever=_retrieve_nothing)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        message = f"{where}: this is not a JSON Schema: {getattr(error, 'message', error)}"
        raise BadRequest(message, param=where, code="invalid_schema") from error


def _outside(schema: Json, where: str) -> Iterator[tuple[str, str]]:
    """What leads out of a schema, with its place. Whatever it stands in: a reference makes a schema of any part, even
    of a default."""
    waiting: list[tuple[str, Any]] = [(where, schema)]
    while waiting:
        at, held = waiting.pop()
        steps = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else ()
        for step, value in steps:
            below = f"{at}.{str(step)[:MAX_SHOWN]}"
            if not isinstance(value, str):
                waiting.append((below, value))
            elif step in REFERENCES and not value.startswith("#"):
                yield below, "a schema refers to its own parts alone, as in #/$defs/name"
            elif step == "$schema" and not value.startswith(DIALECTS):
                yield below, "a schema is written in JSON Schema's own vocabulary, https://json-schema.org/"


def _retrieve_nothing(uri: str) -> Any:
    """In the place of the validator's own, which asks servers and opens files."""
    raise ValueError("nothing is retrieved")
