"""Passages that items share with a text, word for word: 13-grams, as GPT-3's authors looked for (Brown et al. 2020,
arXiv:2005.14165, appendix C). Of an item of 8 to 12 words it is the whole item; shorter ones prove nothing by being
somewhere in a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evals.contamination.texts import BASE, Array, Words, mixed, words_of

LONGEST, SHORTEST = 13, 8
USUAL = 50
"""Items that share a passage from which on it is the suite's own way of asking, and not looked for."""
SIEVE_BITS = 24

Intervals = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Of item number `item` and text number `text`: the share of the item's words, and spans of the normal texts. What
    an item repeats counts where it first stands."""

    item: int
    text: int
    share: float
    in_item: Intervals
    in_text: Intervals


class Grams:
    """An index of the items: 20 bytes a word, and 16 MiB."""

    def __init__(self, items: Sequence[str]) -> None:
        """`items` are normal texts."""
        self._words = words_of(items)
        self._firsts = np.concatenate(([0], np.cumsum(self._words.counts)))
        lengths = np.where(self._words.counts < SHORTEST, 0, np.minimum(self._words.counts, LONGEST))
        self._lengths = [length for length in range(SHORTEST, LONGEST + 1) if length in lengths]
        hashes, places = [], []
        for length, hashed, windows in _windows(self._words, self._lengths):
            own = lengths[self._words.text[windows]] == length
            hashes.append(hashed[own])
            places.append(windows[own])
        keys = np.concatenate([np.zeros(0, np.uint64), *hashes])
        where = np.concatenate([np.zeros(0, np.int64), *places])
        self._keys, self._places, self.usual = self._rare(keys, where)
        self._sieve = np.zeros(2**SIEVE_BITS, dtype=bool)
        self._sieve[self._keys >> np.uint64(64 - SIEVE_BITS)] = True

    def _rare(self, keys: Array, places: Array) -> tuple[Array, Array, int]:
        """Those in order, each once for an item, where it first stands; without those that too many items share, and
        how many these are. Hashes are taken for what they are of: of a million items' passages and a billion others
        two are the same by chance with a chance of 1 in 10,000."""
        items = self._words.text[places]
        order = np.lexsort((places, items, keys))
        keys, places, items = keys[order], places[order], items[order]
        first = np.ones(len(keys), dtype=bool)
        first[1:] = (keys[1:] != keys[:-1]) | (items[1:] != items[:-1])
        keys, places = keys[first], places[first]
        _, inverse, sharing = np.unique(keys, return_inverse=True, return_counts=True)
        keep = sharing[inverse] <= USUAL
        return keys[keep], places[keep], int((sharing > USUAL).sum())

    def find(self, texts: Sequence[str]) -> Iterator[Overlap]:
        """In normal texts, in the order of texts and items."""
        words = words_of(texts)
        hits = [self._hits(*windows) for windows in _windows(words, self._lengths)]
        if not hits:
            return
        there, here, length = (np.concatenate(column) for column in zip(*hits, strict=True))
        text, item = words.text[there], self._words.text[here]
        order = np.lexsort((there, item, text))
        if not len(order):
            return
        ends = np.flatnonzero(np.diff(text[order]) | np.diff(item[order])) + 1
        for group in np.split(order, ends):
            yield self._overlap(words, there[group], here[group], int(length[group[0]]))

    def _hits(self, length: int, hashed: Array, windows: Array) -> tuple[Array, Array, Array]:
        """Words of the texts and of the items at which the same passages begin."""
        likely = np.flatnonzero(self._sieve[hashed >> np.uint64(64 - SIEVE_BITS)])
        hashed, windows = hashed[likely], windows[likely]
        low = np.searchsorted(self._keys, hashed, side="left")
        counts = np.searchsorted(self._keys, hashed, side="right") - low
        there = np.repeat(windows, counts)
        nth = np.arange(len(there)) - np.repeat(np.cumsum(counts) - counts, counts)
        here = self._places[np.repeat(low, counts) + nth]
        return there, here, np.full(len(there), length)

    def _overlap(self, words: Words, there: Array, here: Array, length: int) -> Overlap:
        item, text = int(self._words.text[here[0]]), int(words.text[there[0]])
        mine, theirs = _merged(here, length), _merged(there, length)
        share = sum(end - start for start, end in mine) / int(self._words.counts[item])
        return Overlap(item, text, share, _characters(self._words, mine), _characters(words, theirs))


def _windows(words: Words, lengths: Sequence[int]) -> Iterator[tuple[int, Array, Array]]:
    """By length: the hashes of all runs of so many words inside a text, and the word each begins at."""
    rolled = words.hashed
    for length in range(2, max(lengths, default=0) + 1):
        rolled = rolled[:-1] * BASE + words.hashed[length - 1 :]
        if length in lengths:
            windows = np.flatnonzero(words.text[: len(rolled)] == words.text[length - 1 :])
            yield length, mixed(rolled[windows] + np.uint64(length)), windows


def _merged(starts: Array, length: int) -> Intervals:
    """As few intervals as cover all."""
    found: Intervals = []
    for start in np.unique(starts).tolist():
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], start + length)
        else:
            found.append((start, start + length))
    return found


def _characters(words: Words, intervals: Intervals) -> Intervals:
    return [(int(words.start[first]), int(words.end[last - 1])) for first, last in intervals]
