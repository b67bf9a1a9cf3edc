"""A request's body: bytes in, one JSON object out, and nothing ambiguous in between.

Two parsers that read the same bytes differently are how a guard is walked around: what is checked here is what is sent
on, so a body that could be read in two ways is refused. That is a key given twice in one object (RFC 8259, section 4),
and a known field in other capitals, which some servers take for the field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import orjson

from gateway.errors import BadRequest, UnsupportedMedia
from gateway.types import Json

JSON = b"application/json"
_ESCAPED_QUOTE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0022")
MAX_NAMED_BYTES = 256 * 1024
"""Of a body in which the key given twice is looked for, to be named."""
MAX_REQUEST_BYTES = 32 * 1024 * 1024


def parse(raw: bytes) -> Json:
    """The JSON object in `raw`. Raises `BadRequest` for anything else; nesting is bounded (254 levels)."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.", code="invalid_json") from error
    if type(body) is not dict:
        raise BadRequest("The request body must be a JSON object.", code="invalid_json")
    dumped = dump(body)
    if dumped != raw and _quotes(raw) != dumped.count(b'"'):
        _refuse_duplicates(raw)
    return body


def dump(body: Json, option: int | None = None) -> bytes:
    """The bytes of a body we parsed or made; `option` is orjson's."""
    try:
        return orjson.dumps(body, option=option)
    except orjson.JSONEncodeError as error:
        raise BadRequest("The request body is nested too deeply.", code="invalid_json") from error


def check_media(content_type: bytes | None, content_encoding: bytes | None) -> None:
    """Raises `UnsupportedMedia`. A missing content type is taken for JSON, as OpenAI does."""
    given = JSON if content_type is None else content_type
    if given != JSON and given.partition(b";")[0].strip().lower() != JSON:
        shown = given.decode("latin-1")[:80]
        raise UnsupportedMedia(f"Content-Type {shown!r} is not supported; send application/json.")
    if content_encoding is not None and content_encoding.lower() != b"identity":
        shown = content_encoding.decode("latin-1")[:80]
        raise UnsupportedMedia(f"Content-Encoding {shown!r} is not supported; send the body uncompressed.")


def _quotes(raw: bytes) -> int:
    """How many quotes what `raw` holds is written with: a key given twice leaves fewer behind when it is written
    anew. A quote in a text is written with one, however it came."""
    escaped = len(_ESCAPED_QUOTE.findall(raw)) if b"\\u0022" in raw else 0
    return raw.count(b'"') + escaped


def _refuse_duplicates(raw: bytes) -> None:
    if len(raw) > MAX_NAMED_BYTES:
        raise BadRequest("A key is given twice in one object of the request body.", code="duplicate_key")

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
