"""Blocks that are fenced off with three backticks, as models write code and JSON among words."""

from __future__ import annotations

FENCE = "```"


def fenced(text: str) -> str | None:
    """What the first whole block holds; None where there is none. Takes time in proportion to the text."""
    begun: int | None = None
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        bare = line.strip()
        if begun is None and bare.startswith(FENCE) and "`" not in bare[len(FENCE) :]:
            begun = at + 1
        elif begun is not None and bare == FENCE:
            return "".join(lines[begun:at])
    return None
