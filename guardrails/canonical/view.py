"""One reading of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_OF_A_KIND = 4
"""Readings of one kind that one text has; where there are more, neighbours stand in one reading, a line each."""


@dataclass(frozen=True, slots=True)
class View:
    """One reading. `how` says what was undone, the outermost first, and is empty for the text as it stands; `start` and
    `end` are the characters of the given text that it was made from."""

    text: str
    how: tuple[str, ...]
    start: int
    end: int


def undone(how: str, pieces: Sequence[tuple[int, int, str]]) -> list[View]:
    """Readings of one kind from pieces in order: start, end, and what they say. Nothing of them is left out."""
    size = -(-len(pieces) // MOST_OF_A_KIND) or 1
    groups = (pieces[first : first + size] for first in range(0, len(pieces), size))
    return [View("\n".join(said for _, _, said in group), (how,), group[0][0], group[-1][1]) for group in groups]


def rewritten(how: str, text: str, pieces: Sequence[tuple[int, int, str]]) -> list[View]:
    """One reading of the lines from the first piece to the last, with each piece replaced by what it says."""
    if not pieces:
        return []
    start = max(text.rfind("\n", 0, pieces[0][0]) + 1, pieces[0][0] - CONTEXT)
    end = text.find("\n", pieces[-1][1])
    end = min(len(text) if end < 0 else end, pieces[-1][1] + CONTEXT)
    out, at = [], start
    for first, last, said in pieces:
        out += [text[at:first], said]
        at = last
    return [View("".join([*out, text[at:end]]), (how,), start, end)]


CONTEXT = 400
"""Characters of a line that are kept on either side of what was rewritten."""
