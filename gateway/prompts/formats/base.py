"""A prompt on its way between registries, and what a format must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.prompts.draft import PromptDraft


@dataclass(frozen=True, slots=True)
class Portable:
    """A prompt outside of any registry. `labels` are those that the version had where it came from: told, never set.
    `losses` say, a sentence each, what the other side has no place for; what is lost without one is a defect."""

    name: str
    draft: PromptDraft
    message: str = ""
    aliases: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()


class Format(Protocol):
    """Each module of this package is one."""

    def read(self, text: str, name: str) -> list[Portable]:
        """The prompts in a file. `name` is what one is called that does not say its name. Raises `BadRequest` naming
        the place for what is not of this format, or would mean something else here."""
        ...

    def write(self, prompt: Portable) -> tuple[str, tuple[str, ...]]:
        """The text of a file, the same for the same prompt, and what is lost in it."""
        ...
