"""The filters of the template language, and how values are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.errors import BadRequest

MAX_CHARACTERS = 1024 * 1024
"""Of a rendered text, and of what a filter makes on the way to it."""
MAX_INDENT = 80


@dataclass(frozen=True, slots=True)
class Missing:
    """A variable, or a key, that is not there; only `is defined` and `default` may look at it."""

    name: str

    def refusal(self) -> BadRequest:
        message = f"The prompt needs the variable {self.name!r}, which is not given."
        return BadRequest(message, param=f"prompt.variables.{self.name}", code="missing_variable")


def as_text(value: Any) -> str:
    """How a value is written into a prompt: strings as they are, numbers, booleans and null as in JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Missing):
        raise value.refusal()
    if isinstance(value, list | Mapping):
        raise TypeError("a list or a mapping is written with `| tojson` or `| join`")
    return orjson.dumps(value).decode()


def check_length(characters: int) -> None:
    """Raises `BadRequest` where a text would be too long, before it is made."""
    if characters > MAX_CHARACTERS:
        message = f"The rendered prompt is longer than {MAX_CHARACTERS} characters."
        raise BadRequest(message, param="prompt.variables", code="prompt_too_long")


def _text_filter(change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: change(as_text(value))


def _join(value: Any, separator: str = "") -> str:
    if not isinstance(value, list):
        raise TypeError("`join` needs a list")
    between, texts = as_text(separator), [as_text(item) for item in value]
    check_length(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def _replace(value: Any, old: str, new: str) -> str:
    text = as_text(value)
    check_length(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def _truncate(value: Any, length: int = 255, end: str = "...") -> str:
    text = as_text(value)
    return text if len(text) <= length else text[: max(0, length - len(end))] + end


def _indent(value: Any, width: int = 4) -> str:
    return _replace(value, "\n", "\n" + " " * min(int(width), MAX_INDENT))


def _default(value: Any, other: Any = "", also_falsy: bool = False) -> Any:
    return other if isinstance(value, Missing) or (also_falsy and not value) else value


def _end(index: int) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if not isinstance(value, list | str):
            raise TypeError("`first` and `last` need a list or a text")
        return value[index] if value else ""

    return take


def _tojson(value: Any) -> str:
    return orjson.dumps(value).decode()


FILTERS: Mapping[str, Callable[..., Any]] = {
    "capitalize": _text_filter(str.capitalize),
    "default": _default,
    "first": _end(0),
    "indent": _indent,
    "join": _join,
    "last": _end(-1),
    "length": len,
    "lower": _text_filter(str.lower),
    "replace": _replace,
    "title": _text_filter(str.title),
    "tojson": _tojson,
    "trim": _text_filter(str.strip),
    "truncate": _truncate,
    "upper": _text_filter(str.upper),
}
