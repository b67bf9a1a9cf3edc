"""The terms that a text is found by, whatever its script."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.linear import Pattern

STEM = 6
"""Letters of a word that count: endings differ between a source and what is said of it."""
_WORD = Pattern(r"[\p{L}\p{M}\p{N}]+")
_UNSPACED = Pattern(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
COMMON = frozenset(
    "a an the of to in on at by for from with as and or but nor so if than that this these those there here it its he"
    " she his her they them their we our you your i my me is are was were be been being am has have had do does did"
    " will would can could may might must shall should not no which who whom whose what when where why how all any some"
    " such into over under about after before between during through also very more most other one".split()
)
"""English words that say nothing of what a text is about. Other languages get by on how rare a term is."""


def terms(text: str) -> list[str]:
    """In order, with repetitions: beginnings of words, and pairs of characters where a script writes no spaces."""
    return list(_terms(text))


def _terms(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text.lower()):
        word = match.group()
        if not word.isascii() and _UNSPACED.search(word):
            yield from (word[at : at + 2] for at in range(max(1, len(word) - 1)))
        elif word not in COMMON:
            yield word if word[0].isdigit() else word[:STEM]
