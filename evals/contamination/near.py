"""Near duplicates: texts that have most runs of five characters in common, by MinHash (Broder 1997, "On the resemblance
and containment of documents") and banding (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", 3.4).

Characters, not words, so that short questions with a word changed are found, in any script. What the hashes propose is
compared exactly: the similarity that is told is no estimate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from evals.contamination.texts import BASE, Array, codes_of, mixed, squeezed, words_of

RUN = 5
BANDS, ROWS = 20, 6
"""Of two texts with a similarity of .8, 998 in 1000 are proposed; of .75, 980; of .3, 14."""
DOUBT = 0.12
"""How far below the truth a similarity may be estimated by the hashes: more than three standard errors."""
LONGEST = 100_000
"""Characters of what is compared whole; longer texts are known by their passages."""
MOST_SHARING = 200
"""Items with the same band that are looked at; of more the first, and the text counts as crowded."""
MOST_COMPARED = 20
"""Items that one text is compared with; the likeliest."""
MOST_WORDS = 400
"""Of texts whose common parts are pointed out one by one: it takes time in the square of them."""


@dataclass(frozen=True, slots=True)
class Near:
    item: int
    text: int
    similarity: float


class Sketches:
    """An index of the items: 800 bytes each. `crowded` counts the texts that were like more items than were
    compared."""

    def __init__(self, items: Sequence[str], least: float) -> None:
        """`items` are normal texts; `least` the similarity from which on they are near, above 0 and at most 1."""
        self._items = [squeezed(item) for item in items]
        self._least = least
        random = np.random.default_rng(20_241_126)
        self._factors = random.integers(1, 2**31, BANDS * ROWS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
        self._offsets = random.integers(0, 2**32, BANDS * ROWS, dtype=np.uint32)
        lengths = np.array([len(item) for item in self._items])
        self._numbers = np.flatnonzero((lengths >= RUN) & (lengths <= LONGEST))
        self._signatures = self._signed([self._items[number] for number in self._numbers])
        keys = _banded(self._signatures)
        self._orders = [np.argsort(keys[:, band], kind="stable") for band in range(BANDS)]
        self._keys = [keys[order, band] for band, order in enumerate(self._orders)]
        self.crowded = 0

    def find(self, texts: Sequence[str]) -> Iterator[Near]:
        """Among normal texts."""
        whole = [squeezed(text) for text in texts]
        chosen = [n for n, text in enumerate(whole) if RUN <= len(text) <= LONGEST]
        signatures = self._signed([whole[number] for number in chosen])
        for mine, row in self._proposed(signatures):
            text = chosen[row]
            for item in self._numbers[mine].tolist():
                similarity = jaccard(self._items[item], whole[text])
                if similarity >= self._least:
                    yield Near(item, text, similarity)

    def _proposed(self, signatures: Array) -> Iterator[tuple[Array, int]]:
        """Rows of the items' signatures that share a band with a text's."""
        keys = _banded(signatures)
        low = [np.searchsorted(self._keys[band], keys[:, band], side="left") for band in range(BANDS)]
        high = [np.searchsorted(self._keys[band], keys[:, band], side="right") for band in range(BANDS)]
        for row in np.flatnonzero(np.any(np.stack(high) > np.stack(low), axis=0)).tolist():
            spans = [(low[band][row], high[band][row]) for band in range(BANDS)]
            found = [
                self._orders[band][first : min(last, first + MOST_SHARING)] for band, (first, last) in enumerate(spans)
            ]
            mine = np.unique(np.concatenate(found))
            crowded = any(last - first > MOST_SHARING for first, last in spans)
            alike = (self._signatures[mine] == signatures[row]).mean(axis=1)
            mine, alike = mine[alike >= self._least - DOUBT], alike[alike >= self._least - DOUBT]
            self.crowded += crowded or len(mine) > MOST_COMPARED
            mine = mine[np.argsort(-alike, kind="stable")[:MOST_COMPARED]]
            yield mine, row

    def _signed(self, texts: Sequence[str]) -> Array:
        """For each text the least of its hashes, by each of the functions: `len(texts)` x 120, uint32."""
        if not texts:
            return np.zeros((0, BANDS * ROWS), dtype=np.uint32)
        hashed, begins = _runs(texts)
        signatures = np.empty((len(texts), BANDS * ROWS), dtype=np.uint32)
        for number, (factor, offset) in enumerate(zip(self._factors, self._offsets, strict=True)):
            signatures[:, number] = np.minimum.reduceat(hashed * factor + offset, begins)
        return signatures


def jaccard(one: str, other: str) -> float:
    """How many of the runs of two texts both have."""
    mine, theirs = ({text[i : i + RUN] for i in range(len(text) - RUN + 1)} for text in (one, other))
    return len(mine & theirs) / max(len(mine | theirs), 1)


def common(one: str, other: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What stands in both of two normal texts, in the same order: spans of each."""
    words = words_of([one, other])
    count, whole = int(words.counts[0]), len(words.text)
    if not count or whole == count or max(count, whole - count) > MOST_WORDS:
        return [(0, len(one))], [(0, len(other))]
    mine, theirs = words.hashed[:count].tolist(), words.hashed[count:].tolist()
    blocks = SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks()[:-1]
    return (
        [(int(words.start[b.a]), int(words.end[b.a + b.size - 1])) for b in blocks],
        [(int(words.start[count + b.b]), int(words.end[count + b.b + b.size - 1])) for b in blocks],
    )


def _runs(texts: Sequence[str]) -> tuple[Array, Array]:
    """The hashes of all runs, and where those of each text begin."""
    codes, begins = codes_of(texts)
    wide = codes.astype(np.uint64)
    rolled = wide
    for shift in range(1, RUN):
        rolled = rolled[:-1] * BASE + wide[shift:]
    inside = np.ones(len(codes), dtype=bool)
    ends = np.append(begins[1:], len(codes))
    for back in range(RUN):
        inside[ends - 1 - back] = False
    hashed = (mixed(rolled) >> np.uint64(32)).astype(np.uint32)[inside[: len(rolled)]]
    counts = ends - begins - RUN
    return hashed, np.cumsum(counts) - counts


def _banded(signatures: Array) -> Array:
    """A key for each band of each signature: n x 20, uint64."""
    keys = np.zeros((len(signatures), BANDS), dtype=np.uint64)
    rows = signatures.reshape(len(signatures), BANDS, ROWS).astype(np.uint64)
    for row in range(ROWS):
        keys = keys * BASE + rows[:, :, row]
    return mixed(keys)
