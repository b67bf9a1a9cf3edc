"""A request's body: bytes in, one JSON object out, and nothing ambiguous in between.

Two parsers that read the same bytes differently are how a guard is walked around: what is checked here is what is sent
on, so a body that could be read in two ways is refused. That is a key given twice in one object (RFC 8259, section 4),
and a known field in other capitals, which some servers take for the field.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson

from gateway.errors import BadRequest, UnsupportedMedia
from gateway.types import Json, PromptRef

MAX_REQUEST_BYTES = 32 * 1024 * 1024


def parse(raw: bytes) -> Json:
    """The JSON object in `raw`. Raises `BadRequest` for anything else; nesting is bounded (254 levels)."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.", code="invalid_json") from error
    if type(body) is not dict:
        raise BadRequest("The request body must be a JSON object.", code="invalid_json")
    if dump(body) != raw:  # equal bytes cannot hide a second key; clients that write compactly never go further
        _refuse_duplicates(raw)
    return body


def dump(body: Json) -> bytes:
    """The bytes of a body we parsed or made."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise BadRequest("The request body is nested too deeply.", code="invalid_json") from error


def check_media(content_type: bytes | None, content_encoding: bytes | None) -> None:
    """Raises `UnsupportedMedia`. A missing content type is taken for JSON, as OpenAI does."""
    if content_type is not None and not content_type.lower().startswith(b"application/json"):
        shown = content_type.decode("latin-1")[:80]
        raise UnsupportedMedia(f"Content-Type {shown!r} is not supported; send application/json.")
    if content_encoding is not None and content_encoding.lower() != b"identity":
        shown = content_encoding.decode("latin-1")[:80]
        raise UnsupportedMedia(f"Content-Encoding {shown!r} is not supported; send the body uncompressed.")


def _refuse_duplicates(raw: bytes) -> None:
    def pairs(found: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in found}) == len(found):
            return
        seen: set[str] = set()
        for key, _ in found:
            if key in seen:
                raise BadRequest(f"The key {key[:80]!r} is given twice in one object.", param=key, code="duplicate_key")
            seen.add(key)

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except RecursionError as error:
        raise BadRequest("The request body is nested too deeply.", code="invalid_json") from error


def refuse_variants(keys: Iterable[str], known: frozenset[str], where: str = "") -> None:
    """Raises `BadRequest` for a key that is a known field in other capitals; unknown fields pass."""
    for key in keys:
        if key not in known and key.lower() in known:
            message = f"Field names are case-sensitive: send {key.lower()!r}, not {key!r}."
            raise BadRequest(message, param=f"{where}{key}", code="invalid_field_name")


# Typed reading of single fields --------------------------------------------------------------------------------------


def text(body: Json, name: str) -> str:
    value = body.get(name)
    if type(value) is not str or not value:
        if value is None:
            raise BadRequest(f"Missing required parameter: {name!r}.", param=name, code="missing_required_parameter")
        raise BadRequest(f"{name!r} must be a non-empty string.", param=name, code="invalid_type")
    return value


def flag(body: Json, name: str) -> bool:
    value = body.get(name)
    if value is None:
        return False
    if type(value) is not bool:
        raise BadRequest(f"{name!r} must be true or false.", param=name, code="invalid_type")
    return value


def check_integer(body: Json, name: str, least: int, most: int | None = None) -> None:
    value = body.get(name)
    if value is None:
        return
    if type(value) is not int:
        raise BadRequest(f"{name!r} must be an integer.", param=name, code="invalid_type")
    if value < least or (most is not None and value > most):
        span = f"at least {least}" if most is None else f"between {least} and {most}"
        raise BadRequest(f"{name!r} must be {span}, not {value}.", param=name, code="invalid_value")


def check_number(body: Json, name: str, least: float, most: float) -> None:
    value = body.get(name)
    if value is None:
        return
    if type(value) is not float and type(value) is not int:
        raise BadRequest(f"{name!r} must be a number.", param=name, code="invalid_type")
    if not least <= value <= most:
        message = f"{name!r} must be between {least:g} and {most:g}, not {value:g}."
        raise BadRequest(message, param=name, code="invalid_value")


def check_object(body: Json, name: str) -> Json | None:
    value = body.get(name)
    if value is not None and type(value) is not dict:
        raise BadRequest(f"{name!r} must be an object.", param=name, code="invalid_type")
    return value


def take_prompt(body: Json) -> PromptRef | None:
    """Remove and read the standard `prompt` object `{id, version, variables}`."""
    given = body.pop("prompt", None)
    if given is None:
        return None
    if type(given) is not dict:
        raise BadRequest("'prompt' must be an object with 'variables'.", param="prompt", code="invalid_type")
    for name in ("id", "version"):
        if given.get(name) is not None and type(given[name]) is not str:
            raise BadRequest(f"'prompt.{name}' must be a string.", param=f"prompt.{name}", code="invalid_type")
    variables = given.get("variables")
    if variables is not None and type(variables) is not dict:
        raise BadRequest("'prompt.variables' must be an object.", param="prompt.variables", code="invalid_type")
    unknown = given.keys() - {"id", "version", "variables"}
    if unknown:
        name = min(unknown)
        raise BadRequest(f"'prompt' has no field {name!r}.", param=f"prompt.{name}", code="unknown_parameter")
    return PromptRef(given.get("id"), given.get("version"), variables or {})
