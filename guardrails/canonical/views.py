"""The ways a text can be read: as it stands, and with what was folded, encoded or hidden in it undone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """One reading. `how` says what was undone, the outermost first, and is empty for the text as it stands; `start` and
    `end` are the characters of the given text that it was made from."""

    text: str
    how: tuple[str, ...]
    start: int
    end: int


def views(text: str) -> tuple[View, ...]:
    """The text as it stands, first, then every other reading that says something else."""
    return (View(text, (), 0, len(text)),)
