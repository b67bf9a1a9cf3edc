"""What a template has written so far, and the bounds of its rendering: whatever it loops over, compares or filters is
paid for in steps, so that no template and no variable takes long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import BadRequest
from gateway.prompts.filters import MAX_CHARACTERS, check_length

MAX_STEPS = 100_000
KIB = 1024
"""Characters that are worked through for one step."""


class Page:
    """Of one prompt."""

    __slots__ = ("_length", "_parts", "_steps")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._steps = MAX_STEPS

    def write(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            check_length(self._length)
        self._parts.append(text)

    def taken(self) -> str:
        """What was written since it was last taken."""
        text = "".join(self._parts)
        self._parts.clear()
        return text

    def step(self, steps: int = 1) -> None:
        """Raises `BadRequest` where that is more than is left."""
        self._steps -= steps
        if self._steps < 0:
            message = f"Rendering the prompt takes more than {MAX_STEPS} steps."
            raise BadRequest(message, param="prompt.variables", code="prompt_too_long")

    def weigh(self, value: Any) -> None:
        """Pay for working through all of a value."""
        if type(value) is str:
            if len(value) >= KIB:
                self.step(len(value) // KIB)
        elif isinstance(value, list):
            self.step(len(value))
            for item in value:
                self.weigh(item)
        elif isinstance(value, Mapping):
            self.step(len(value))
            for key, item in value.items():
                self.weigh(key)
                self.weigh(item)
