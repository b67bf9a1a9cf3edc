"""A file from elsewhere: its JSON within bounds, each value asked for at its place, and what is left out told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from gateway.errors import BadRequest
from gateway.prompts.names import PromptName
from gateway.types import Json

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
_NAME: TypeAdapter[str] = TypeAdapter(PromptName)


def refusal(at: str, what: str) -> BadRequest:
    """`at` is the place in the file; it becomes `param`."""
    return BadRequest(f"{at}: {what}." if at else f"{what}.", param=at or None, code="invalid_prompt_file")


def below(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def check_size(text: str) -> None:
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise refusal("", f"The file is larger than {MAX_BYTES // 2**20} MiB")


def parse_json(text: str) -> Any:
    """Raises `BadRequest` for what is no JSON, nested too deeply, or gives a key twice."""
    check_size(text)
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refusal("", f"The file is not valid JSON: {error}") from error
    _check_depth(found)
    return json.loads(text, object_pairs_hook=_object)  # orjson lets a key be given twice


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for held in level if isinstance(held, dict | list) for child in _children(held)]
    if level:
        raise refusal("", f"The file is nested deeper than {MAX_DEPTH} levels")


def _children(held: Json | list[Any]) -> Iterable[Any]:
    return held.values() if isinstance(held, dict) else held


def _object(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise refusal("", f"The key {twice[:80]!r} is given twice in one object")
    return found


def write_json(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


def mapping(value: Any, at: str) -> Json:
    if not isinstance(value, dict):
        raise refusal(at, "an object belongs here")
    return value


def items(value: Any, at: str) -> list[Any]:
    if not isinstance(value, list):
        raise refusal(at, "a list belongs here")
    return value


def text_of(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise refusal(at, "a text belongs here")
    return value


def left_out(held: Json, taken: Iterable[str], at: str = "") -> list[str]:
    """A sentence for each key with something in it that is not among the taken."""
    empty: tuple[Any, ...] = (None, "", [], {})
    lost = sorted(key for key, value in held.items() if key not in taken and not (value in empty or value is False))
    return [f"{below(at, key)} is left out" for key in lost]


def named(theirs: Any, at: str) -> tuple[str, list[str]]:
    """What a prompt with a name from elsewhere is called here, and that it changed."""
    given = text_of(theirs, at)
    parts = (re.sub(r"[^a-z0-9._-]+", " ", part) for part in given.lower().split("/"))
    ours = "/".join(part.lstrip(" ._-").rstrip(" .").replace(" ", "-") for part in parts)
    try:
        _NAME.validate_python(ours)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise refusal(at, f"{given[:80]!r} cannot be the name of a prompt: {said}") from error
    return ours, [] if ours == given else [f"{given!r} is called {ours!r} here"]
