"""The check: which items of a suite stand, word for word or nearly, in what a candidate may have learnt from.

Items are held in an index, sets are streamed: what is kept of them is what was found. False positives are to be
expected (idioms, boilerplate, the same question asked by two people), so a finding shows what matched, and a person
decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any

import msgspec
import numpy as np

from evals.contamination.findings import Finding, Findings, How, Span, digest_of
from evals.contamination.near import Sketches, common
from evals.contamination.overlap import Grams, Intervals
from evals.contamination.texts import normal, originals, squeezed

Text = tuple[str, str]
"""A name, of an item or of a place in a set, and the text."""
Embed = Callable[[Sequence[str]], Any]
"""Unit vectors for texts, `len(texts)` x width, float32."""

LONGEST = 1_000_000
"""Characters; longer texts of a set are looked at in pieces of so many, with an overlap."""
OVERLAP = 5_000
BATCH_TEXTS, BATCH_CHARACTERS = 2_000, 1_000_000
RANK: Mapping[How, int] = {"exact": 0, "overlap": 1, "near": 2, "meaning": 3}
LONGEST_SHOWN = 300


class Looking(msgspec.Struct, frozen=True):
    """`near` and `meaning` are the similarities from which on texts count as alike; `kept` is how many findings are
    kept of an item, by set and way of finding."""

    near: Annotated[float, msgspec.Meta(ge=0.5, le=1)] = 0.8
    meaning: Annotated[float, msgspec.Meta(ge=0.5, le=1)] = 0.9
    kept: Annotated[int, msgspec.Meta(ge=1)] = 3


@dataclass(frozen=True, slots=True)
class _Match:
    """Of an item and a text of a batch, by number. Without spans the whole of both."""

    how: How
    item: int
    text: int
    share: float
    in_item: Intervals | None = None
    in_text: Intervals | None = None


def check(
    items: Iterable[Text],
    against: Mapping[str, Iterable[Text]],
    looking: Looking | None = None,
    embed: Embed | None = None,
) -> Findings:
    """`against` are sets by name, whose texts are read once, one after another. `embed` has meanings compared too,
    which takes time in the product of both sides. Ids of items are distinct. What is blank matches nothing."""
    index = _Index(tuple(items), looking or Looking(), embed)
    kept = _Kept(index)
    texts: Counter[str] = Counter()
    for name, given in against.items():
        texts[name] = 0
        for batch in _batches(given, texts, name):
            normals = [normal(text) for _, text in batch]
            for match in index.matches(batch, normals):
                kept.add(match, name, batch[match.text], normals[match.text])
    return Findings(kept.sorted(), len(index.items), dict(texts), kept.more, index.grams.usual, index.near.crowded)


class _Index:
    """Of the texts that differ; `sharing` are the numbers of the items that have each."""

    def __init__(self, items: tuple[Text, ...], looking: Looking, embed: Embed | None) -> None:
        self.items, self.looking, self._embed = items, looking, embed
        shared: dict[str, list[int]] = {}
        for number, (_, text) in enumerate(items):
            shared.setdefault(normal(text), []).append(number)
        self.normal, self.sharing = list(shared), list(shared.values())
        self._exact: dict[bytes, list[int]] = {}
        for number, text in enumerate(self.normal):
            if (key := _key(text)) is not None:
                self._exact.setdefault(key, []).append(number)
        self.grams = Grams(self.normal)
        self.near = Sketches(self.normal, looking.near)
        self._vectors = (
            embed([items[numbers[0]][1] for numbers in self.sharing]) if embed is not None and items else None
        )

    def matches(self, batch: Sequence[Text], texts: Sequence[str]) -> Iterator[_Match]:
        """`texts` are the batch's, normal. A pair that is the same exactly is told as that alone; another may share a
        passage, and be near."""
        same = set()
        for number, text in enumerate(texts):
            key = _key(text)
            for item in self._exact.get(key, ()) if key is not None else ():
                same.add((item, number))
                yield _Match("exact", item, number, 1.0)
        for one in self.grams.find(texts):
            if (one.item, one.text) not in same:
                yield _Match("overlap", one.item, one.text, one.share, one.in_item, one.in_text)
        for near in self.near.find(texts):
            if (near.item, near.text) not in same:
                same.add((near.item, near.text))
                yield _Match("near", near.item, near.text, near.similarity)
        yield from self._alike(batch, same)

    def _alike(self, batch: Sequence[Text], same: set[tuple[int, int]]) -> Iterator[_Match]:
        if self._embed is None or self._vectors is None:
            return
        cosines = np.asarray(self._embed([text for _, text in batch])) @ np.asarray(self._vectors).T
        for text, item in np.argwhere(cosines >= self.looking.meaning).tolist():
            if (item, text) not in same:
                yield _Match("meaning", item, text, min(float(cosines[text, item]), 1.0))


@dataclass(frozen=True, slots=True)
class _Found:
    """A finding of the first of the items that share a text, and where in the normal text it is."""

    finding: Finding
    in_item: Intervals | None


class _Kept:
    """The best findings of each text, by set and way of finding; the first of equals."""

    def __init__(self, index: _Index) -> None:
        self._index = index
        self._found: dict[tuple[int, str, How], list[_Found]] = {}
        self.more = 0

    def add(self, match: _Match, name: str, place: Text, text: str) -> None:
        """`place` is of the set, and `text` its normal text."""
        held = self._found.setdefault((match.item, name, match.how), [])
        if len(held) == self._index.looking.kept:
            self.more += len(self._index.sharing[match.item])
            if match.share <= held[-1].finding.share:
                return
            held.pop()
        held.append(self._finding(match, name, place, text))
        held.sort(key=lambda found: -found.finding.share)

    def _finding(self, match: _Match, name: str, place: Text, text: str) -> _Found:
        mine, theirs = match.in_item, match.in_text
        item = self._index.normal[match.item]
        if match.how == "near":
            mine, theirs = common(item, text)
        spans = (Span(0, len(place[1])),) if theirs is None else originals(place[1], theirs)
        longest = max(spans, key=lambda span: span.end - span.start, default=Span(0, 0))
        shown = place[1][longest.start : min(longest.end, longest.start + LONGEST_SHOWN)]
        digest = digest_of(match.how, item, text)
        return _Found(Finding("", name, place[0], match.how, match.share, (), spans, shown, digest), mine)

    def sorted(self) -> tuple[Finding, ...]:
        """For each item that shares a text, in the order of the items."""
        order = sorted(
            (number, RANK[how], name, text, how)
            for text, name, how in self._found
            for number in self._index.sharing[text]
        )
        return tuple(
            self._of(number, found) for number, _, name, text, how in order for found in self._found[text, name, how]
        )

    def _of(self, number: int, found: _Found) -> Finding:
        name, text = self._index.items[number]
        spans = (Span(0, len(text)),) if found.in_item is None else originals(text, found.in_item)
        return msgspec.structs.replace(found.finding, item=name, in_item=spans)


def _key(text: str) -> bytes | None:
    """Of a normal text; None where there is nothing but space in it."""
    whole = squeezed(text)
    return blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).digest() if whole else None


def _batches(given: Iterable[Text], texts: Counter[str], name: str) -> Iterator[list[Text]]:
    batch: list[Text] = []
    characters = 0
    for place, text in given:
        texts[name] += 1
        for piece in _pieces(place, text):
            if batch and (len(batch) == BATCH_TEXTS or characters + len(piece[1]) > BATCH_CHARACTERS):
                yield batch
                batch, characters = [], 0
            batch.append(piece)
            characters += len(piece[1])
    if batch:
        yield batch


def _pieces(place: str, text: str) -> Iterator[Text]:
    """Places in a piece of a long text are counted from where it begins, which its own place says."""
    if len(text) <= LONGEST:
        yield place, text
        return
    for start in range(0, len(text), LONGEST - OVERLAP):
        yield f"{place}, from character {start}", text[start : start + LONGEST]
