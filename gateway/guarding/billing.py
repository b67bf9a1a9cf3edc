"""What two answers to one call took, as the usage of one."""

from __future__ import annotations

from typing import Any

import orjson


def added(reply: bytes, before: bytes) -> bytes:
    """A whole reply with the usage of the one `before` it added to its own. As it was where either tells none."""
    try:
        body, usage = orjson.loads(reply), orjson.loads(before)["usage"]
        body["usage"] = _sum(body["usage"], usage)
    except (ValueError, TypeError, KeyError):
        return reply
    return orjson.dumps(body)


def _sum(one: Any, other: Any) -> Any:
    """Of numbers; of objects, field by field."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _sum(one.get(name), other.get(name)) for name in {**one, **other}}
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return other if one is None else one
