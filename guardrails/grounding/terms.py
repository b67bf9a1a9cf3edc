"""The terms that a text is found by, whatever its script."""

from __future__ import annotations

import re
from collections.abc import Iterator

STEM = 6
"""Letters of a word that count: endings differ between a source and what is said of it."""
_MARKS = r"\u0300-\u036f\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17d3"
_WORD = re.compile(rf"(?:[^\W_]|[{_MARKS}])+")
"""Letters and digits with the marks that belong to them, one at a time, so the time is that of reading a text once."""
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese, which write no spaces between words."""
COMMON = frozenset(
    "a an the of to in on at by for from with as and or but nor so if than that this these those there here it its he"
    " she his her they them their we our you your i my me is are was were be been being am has have had do does did"
    " will would can could may might must shall should not no which who whom whose what when where why how all any some"
    " such into over under about after before between during through also very more most other one".split()
)
"""English words that say nothing of what a text is about. Other languages get by on how rare a term is."""


def terms(text: str) -> list[str]:
    """In order, with repetitions: beginnings of words, and pairs of characters where a script writes no spaces."""
    words: list[str] = _WORD.findall(text.lower())
    if text.isascii():
        return [word if word[0].isdigit() else word[:STEM] for word in words if word not in COMMON]
    return [term for word in words for term in _of_word(word)]


def _of_word(word: str) -> Iterator[str]:
    if not word.isascii() and _UNSPACED.search(word):
        yield from (word[at : at + 2] for at in range(max(1, len(word) - 1)))
    elif word not in COMMON:
        yield word if word[0].isdigit() else word[:STEM]
