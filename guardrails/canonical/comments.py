"""Comments in code, which people skip and models read."""

from __future__ import annotations

from guardrails.canonical.view import View, undone
from guardrails.linear import Pattern

BLOCK = Pattern(r"(?s)/\*+(.*?)(?:\*/|\z)|\"\"\"(.*?)(?:\"\"\"|\z)")
LINE = Pattern(r"(?m)(?:^|[\s;{})])(?:#|//+|--|%|;;|REM)[ \t]+([^\n]+)")
FENCE = Pattern(r"(?s)```[^\n]*\n(.*?)(?:```|\z)")
CODE = Pattern(
    r"(?m)^\s*(?:def |class |import |from \w+ import|function |const |let |var |public |private |#include|package "
    r"|fn |func |return\b|if ?\(|for ?\(|SELECT |INSERT |UPDATE |CREATE |<\?php|#!/)|[;{}]\s*$"
)
FEWEST = 2
"""Lines that are code; a text with less is none, and signs in it are punctuation."""
SHORTEST = 12
"""Characters of what says something."""


def comments(text: str) -> list[View]:
    """Those of fenced code, and of a text that is code itself. Lines that follow one another are one."""
    pieces: list[tuple[int, int, str]] = []
    places = [found.span(1) for found in FENCE.finditer(text)] if "```" in text else []
    if not places and sum(1 for _ in CODE.finditer(text)) >= FEWEST:
        places = [(0, len(text))]
    for start, end in places:
        found = [*_found(text[start:end], BLOCK, start), *_found(text[start:end], LINE, start)]
        pieces += _joined(text, sorted(found))
    return undone("code comment", [piece for piece in pieces if len(piece[2]) >= SHORTEST])


def _found(code: str, pattern: Pattern, at: int) -> list[tuple[int, int, str]]:
    return [
        (found.start() + at, found.end() + at, next((part for part in found.groups() if part), "").strip())
        for found in pattern.finditer(code)
    ]


def _joined(text: str, pieces: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """A line comment inside a block is part of it."""
    out: list[tuple[int, int, str]] = []
    for start, end, said in pieces:
        if out and start < out[-1][1]:
            continue
        if out and not text[out[-1][1] : start].strip():
            out[-1] = (out[-1][0], end, f"{out[-1][2]} {said}")
        else:
            out.append((start, end, said))
    return out
