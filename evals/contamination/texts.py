"""Texts made comparable, many at a time, and the way back to the characters as they were given."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from evals.contamination.findings import Span

Array = Any
"""A numpy array."""

ALONE = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Code points of scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han. There, a character
counts as a word."""
BASE = np.uint64(0x9E3779B97F4A7C15)


def normal(text: str) -> str:
    """NFKC and case-folded."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def squeezed(text: str) -> str:
    """A normal text with single spaces."""
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Words:
    """The words of several normal texts, in order. `text` is the number of a word's text, `start` and `end` its
    characters there, `hashed` a 64-bit hash; all have one entry per word. `counts` has one per text."""

    text: Array
    start: Array
    end: Array
    hashed: Array
    counts: Array


def words_of(texts: Sequence[str]) -> Words:
    """A word is a run of letters, marks and digits."""
    codes, begins = codes_of(texts)
    kind = _kinds()[codes]
    alone, inside = kind == 2, kind == 1
    before = np.concatenate(([False], inside[:-1]))
    after = np.concatenate((inside[1:], [False]))
    starts = np.flatnonzero(alone | (inside & ~before))
    ends = np.flatnonzero(alone | (inside & ~after)) + 1
    text = np.searchsorted(begins, starts, side="right") - 1
    counts = np.bincount(text, minlength=len(texts))
    return Words(text, starts - begins[text], ends - begins[text], _hashes(codes, kind > 0, starts), counts)


def codes_of(texts: Sequence[str]) -> tuple[Array, Array]:
    """The code points of all, with a line's end after each, and where each begins."""
    lengths = np.array([len(text) + 1 for text in texts], dtype=np.int64)
    joined = "\n".join([*texts, ""]).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(joined, dtype="<u4"), np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)


def mixed(values: Array) -> Array:
    """Spread over all 64 bits (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _hashes(codes: Array, inside: Array, starts: Array) -> Array:
    """A polynomial of a word's characters, mixed."""
    if not len(starts):
        return np.zeros(0, dtype=np.uint64)
    places = np.flatnonzero(inside)
    firsts = np.searchsorted(places, starts)
    lengths = np.diff(np.append(firsts, len(places)))
    within = np.arange(len(places)) - np.repeat(firsts, lengths)
    powers = np.cumprod(np.full(int(lengths.max()), BASE, dtype=np.uint64))
    return mixed(np.add.reduceat((codes[places].astype(np.uint64) + np.uint64(1)) * powers[within], firsts))


@cache
def _kinds() -> Array:
    """By code point: 1 for what is inside words, 2 for what is a word by itself, else 0."""
    kinds = np.fromiter((unicodedata.category(chr(code))[0] in "LMN" for code in range(0x110000)), np.uint8, 0x110000)
    for low, high in ALONE:
        kinds[low : high + 1] *= 2
    return kinds


def originals(text: str, spans: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """Spans of `normal(text)` as spans of the text. They may take in a few characters more: those that a character was
    composed of."""
    if text.isascii():
        return tuple(Span(start, end) for start, end in spans)
    pieces = _pieces(text)
    begins = np.cumsum([0, *(len(normal(text[start:end])) for start, end in pieces)])
    if begins[-1] != len(normal(text)):
        return (Span(0, len(text)),)
    found = []
    for start, end in spans:
        first = int(np.searchsorted(begins, start, side="right")) - 1
        last = int(np.searchsorted(begins, end, side="left")) - 1
        found.append(Span(pieces[first][0], pieces[max(first, last)][1]))
    return tuple(found)


def _pieces(text: str) -> list[tuple[int, int]]:
    """Where characters with their marks begin and end: what is normalised by itself."""
    begins = [place for place, char in enumerate(text) if place == 0 or not _joins(char)]
    return list(zip(begins, [*begins[1:], len(text)], strict=True))


def _joins(char: str) -> bool:
    """Whether it may be composed with what stands before it: a mark, a vowel or a final of Hangul."""
    return unicodedata.category(char)[0] == "M" or "\u1160" <= char <= "\u11ff" or char in "\uff9e\uff9f"
