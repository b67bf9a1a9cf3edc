"""The templates of OpenAI's evals: `{{item.question}}`, `{{ sample.output_text }}`, `{{item.turns[0].text}}`.

A tag is a path into the item or the sample and nothing else: there are no expressions, filters or calls in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evals.digest import canonical
from evals.errors import BadInput

Space = Mapping[str, Any]
"""What tags can name, by its first step: `item`, `sample`, `reference_answer`."""

TAG = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
PATH = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*")
STEP = re.compile(r"[\w-]+")
MOST_FILLED = 1024 * 1024
"""Characters of a text with its tags filled."""


def check(text: str) -> None:
    """Raises `BadInput` for a tag that is no path."""
    for found in TAG.finditer(text):
        if not PATH.fullmatch(found[1]):
            raise BadInput(f"{found[0][:80]!r} is no path, as {{{{item.question}}}} is.")


def look_up(path: str, space: Space) -> Any:
    """What stands at a path. Raises `BadInput` where nothing does."""
    value: Any = space
    for step in STEP.findall(path):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise BadInput(f"There is no {path[:80]!r}: {step[:80]!r} is missing.")
    return value


def fill(text: str, space: Space) -> str:
    """The text with what its tags name; what is no text is written as JSON. What is put in is not looked at for tags.
    Raises `BadInput` for a path that names nothing, and for more than `MOST_FILLED` characters."""
    check(text)

    def named(found: re.Match[str]) -> str:
        value = look_up(found[1], space)
        return value if isinstance(value, str) else canonical(value).decode()

    filled = TAG.sub(named, text)
    if len(filled) > MOST_FILLED:
        raise BadInput(f"A filled template has more than {MOST_FILLED} characters.")
    return filled
