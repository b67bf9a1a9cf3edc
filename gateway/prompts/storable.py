"""Values that every database holds and every client reads: JSON, of bounded depth, its texts in Unicode."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

MAX_DEPTH = 200
"""Levels of lists and objects in each other."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def check_storable(value: Any) -> Any:
    """The value itself, for a pydantic validator: raises a `ValidationError` that leads to what is at fault."""
    fault = _Fault(f"it is nested deeper than {MAX_DEPTH} levels") if _is_too_deep(value) else _fault(value)
    if fault is None:
        return value
    error = PydanticCustomError("not_storable", "{said}", {"said": fault.said})
    raise ValidationError.from_exception_data("JSON", [InitErrorDetails(type=error, loc=fault.steps, input=None)])


@dataclass(frozen=True, slots=True)
class _Fault:
    said: str
    steps: tuple[str | int, ...] = ()


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for held in level for _, child in _children(held)]
    return any(isinstance(held, dict | list | tuple) for held in level)


def _fault(value: Any) -> _Fault | None:
    """The first in a value whose depth is known to be bounded."""
    for step, child in _children(value):
        said = _text_fault(step) if isinstance(value, dict) else None
        if said is not None:
            return _Fault(f"a key in it cannot be kept: {said}")
        fault = _fault(child)
        if fault is not None:
            return replace(fault, steps=(step, *fault.steps))
    said = _leaf_fault(value)
    return _Fault(said) if said is not None else None


def _children(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list | tuple) else ()


def _leaf_fault(value: Any) -> str | None:
    if isinstance(value, str):
        return _text_fault(value)
    if isinstance(value, float):
        return None if math.isfinite(value) else "a number is finite"
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else "a whole number has at most 64 bits"
    return None if value is None or isinstance(value, dict | list | tuple) else "it is no JSON"


def _text_fault(value: Any) -> str | None:
    if not isinstance(value, str):
        return "it is no text"
    found = _UNSTORABLE.search(value)
    if found is None:
        return None
    if found[0] == "\x00":
        return "it has a NUL character (U+0000)"
    return f"it has half of a surrogate pair (U+{ord(found[0]):X}), which is no character"
