"""Words as the tagger reads them: where they stand, and the numbers of their features.

Everything here is decided by a word itself or by characters close to it, so that what is found at a place of a text
does not depend on how much of it there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

WORD = re.compile(r"[^\W\d_]+|\d+|\n|[^\w\s]|_")
"""Letters, digits, an end of a line, or one other sign."""
LONGEST = 40
"""Characters; of a longer word only its length is a feature."""
BUCKETS = 1 << 14
"""Rows of the table of features. Row 0 is for nothing."""
MOST_FEATURES = 20
"""Of one word."""


class Word(NamedTuple):
    start: int
    end: int
    text: str


def words(text: str, start: int = 0) -> list[Word]:
    """Those from a place on."""
    return [Word(*found.span(), found.group()) for found in WORD.finditer(text, start)]


def features(word: str, gazetteer: int) -> list[int]:
    """Rows of the table of features, from 1 to `BUCKETS` - 1, `MOST_FEATURES` at most. `gazetteer` are the bits of the
    lists that the word is in."""
    if len(word) > LONGEST:
        return [_row("long")]
    return [_row(name) for name in _named(word, gazetteer)][:MOST_FEATURES]


def key(word: str) -> int:
    """The number of a word in the lists of names."""
    return crc32(word.casefold().encode(errors="replace"))


def shape(word: str) -> str:
    """Digits as their number; letters by case, as `Xx`."""
    if word.isdigit():
        return "d" * min(len(word), 8)
    if not word[0].isalpha():
        return word
    if word.islower():
        return "x"
    if word.isupper():
        return "X" if len(word) == 1 else "XX"
    return "Xx" if word[1:].islower() else "xX"


def _named(word: str, gazetteer: int) -> Iterator[str]:
    yield f"s:{shape(word)}"
    yield f"g:{gazetteer}"
    if not word[0].isalpha():
        return
    low = word.casefold()
    yield f"w:{low}"
    yield f"l:{min(len(low), 12)}:{shape(word)}"
    for length in (2, 3, 4):
        yield f"p:{low[:length]}"
        yield f"e:{low[-length:]}"
    framed = f"^{low}$"
    for start in range(len(framed) - 2):
        yield f"t:{framed[start : start + 3]}"


def _row(name: str) -> int:
    return 1 + crc32(name.encode(errors="replace")) % (BUCKETS - 1)
