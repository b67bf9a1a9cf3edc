"""From the JSON of the API to a result."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from gateway.errors import Unavailable

T = TypeVar("T")


def read(kind: type[T], body: Any) -> T:
    """Raises `Unavailable` with the code `unreadable_reply` for what is none."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        message = f"The gateway's reply cannot be read; it may be of another version than this client: {error}"
        raise Unavailable(message, code="unreadable_reply") from error


def read_all(kind: type[T], body: Any) -> tuple[T, ...]:
    """From a list of the API."""
    return read(tuple[kind, ...], read(Listed, body).data)  # type: ignore[valid-type]


class Listed(Struct, frozen=True):
    data: list[Any]
