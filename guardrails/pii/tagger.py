"""A small tagger: which words of a text are names, places and the like, by how they are written and what is around.

A word is the sum of its features' rows in a table; two layers read it with the words around it. What it says of a word
depends on `NEAR` characters on either side and on nothing else, and its time on the length of a text alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from guardrails.errors import Missing, NotRun
from guardrails.models.manifest import artefact
from guardrails.pii.words import Word, features, key
from guardrails.verdict import Span

LABELS = ("", "PERSON", "ADDRESS", "LOCATION", "ORGANIZATION", "NRP", "PHONE", "DATE", "AGE")
"""What a word can be; the first is nothing of it."""
WEIGHTS = Path(__file__).with_name("tagger.npz")
WINDOW = 4
"""Words on either side that are read with a word."""
NEAR = 80
"""Characters from a word beyond which others are not read with it."""
LONGEST = 160
"""Characters of a span; what goes on after that is found word by word."""
FLOOR = 0.3
"""Below this a word is nothing."""
BLOCK = 4096
"""Words that are worked out at once, to bound memory."""
MOST_REMEMBERED = 50_000
"""Words whose rows are remembered."""

MOST_KNOWN = 10_000
"""Words whose tags among the same others are remembered."""

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tag:
    """What a word is: the number of a label, and the probability that it is anything at all."""

    label: int
    score: float


NOTHING = Tag(0, 0.0)


class Tagger:
    """Weights, and the rows of words that were read before. Threads may share it."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        """Raises `Missing` where the weights are not there, cannot be read, or are not what the manifest beside them
        says."""
        try:
            content = artefact(weights.parent)[1][weights.name]
            with np.load(BytesIO(content), allow_pickle=False) as stored:
                held = {name: stored[name] for name in stored.files}
            self._table: Matrix = held["table"].astype(np.float32) * held["scale"].astype(np.float32)
            self._first, self._second, self._last = (_layer(held, name) for name in ("first", "second", "last"))
            self._listed: dict[int, int] = dict(zip(held["keys"].tolist(), held["lists"].tolist(), strict=True))
        except NotRun as error:
            raise Missing(f"The tagger of the pii guard cannot be read: {error.message}.") from error
        except (OSError, KeyError, ValueError, BadZipFile, zlib.error) as error:
            raise Missing(f"The tagger of the pii guard cannot be read: {error}. Install the package anew.") from error
        self._row = lru_cache(MOST_REMEMBERED)(self._read)
        self._known: dict[tuple[str, ...], Tag] = {}

    def tags(self, found: Sequence[Word], first: int = 0, last: int | None = None) -> list[Tag]:
        """One of each word, from the first of these to before the last. Others are read with them."""
        out: list[Tag] = []
        end = len(found) if last is None else last
        for start in range(first, end, BLOCK):
            out += self._block(found, range(start, min(start + BLOCK, end)))
        return out

    def _block(self, found: Sequence[Word], numbers: range) -> list[Tag]:
        """Of a text that grows most words were seen before among the same others."""
        keys = [_key(found, number) for number in numbers]
        tags = [self._known.get(one) for one in keys]
        unknown = [place for place, tag in enumerate(tags) if tag is None]
        if not unknown:
            return [tag for tag in tags if tag is not None]
        fresh = self._worked_out([keys[place] for place in unknown])
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        for place, tag in zip(unknown, fresh, strict=True):
            tags[place] = self._known[keys[place]] = tag
        return [tag for tag in tags if tag is not None]

    def _worked_out(self, keys: Sequence[tuple[str, ...]]) -> list[Tag]:
        read = np.stack([self._row(word) for one in keys for word in one]).reshape(len(keys), -1)
        hidden = _relu(_relu(read, self._first), self._second)
        weights, bias = self._last
        logits = hidden @ weights + bias
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        best, some = chances[:, 1:].argmax(axis=1) + 1, 1 - chances[:, 0]
        return [Tag(one, p) if p >= FLOOR else NOTHING for one, p in zip(best.tolist(), some.tolist(), strict=True)]

    def _read(self, word: str) -> Matrix:
        if not word:
            return np.zeros(self._table.shape[1], np.float32)
        row: Matrix = self._table[features(word, self._listed.get(key(word), 0))].sum(axis=0)
        return row


def runs(text: str, found: Sequence[Word], tags: Sequence[Tag]) -> list[Span]:
    """Words of one label that stand side by side, as spans. What is longer than `LONGEST` goes on word by word."""
    spans = []
    for first, last in _chunks(text, found, tags):
        label = LABELS[tags[first].label]
        while not found[first].text[0].isalnum() and first < last:
            first += 1
        while not found[last].text[0].isalnum() and last > first:
            last -= 1
        if found[first].text[0].isalnum():
            score = sum(tag.score for tag in tags[first : last + 1]) / (last + 1 - first)
            spans.append(Span(found[first].start, found[last].end, label, round(score, 4)))
    return spans


def _chunks(text: str, found: Sequence[Word], tags: Sequence[Tag]) -> list[tuple[int, int]]:
    """The first and the last word of each run."""
    out: list[tuple[int, int]] = []
    begun = 0  # the first word of the run that is going on
    for number, tag in enumerate(tags):
        if not tag.label:
            continue
        if number and goes_on(text, found, tags, number):
            if found[number].end - found[begun].start <= LONGEST:
                out[-1] = (out[-1][0], number)
                continue
        else:
            begun = number
        out.append((number, number))
    return out


def goes_on(text: str, found: Sequence[Word], tags: Sequence[Tag], number: int) -> bool:
    """Whether the word before is of the same run."""
    gap = text[found[number - 1].end : found[number].start]
    return tags[number].label == tags[number - 1].label and len(gap) <= 2


def _key(found: Sequence[Word], number: int) -> tuple[str, ...]:
    """The words around one, and itself; nothing where there is none, or it is not near."""
    own, first, last = found[number], number - WINDOW, number + WINDOW
    left, right = own.start - NEAR, own.end + NEAR
    if first >= 0 and last < len(found) and found[first].start >= left and found[last].end <= right:
        return tuple([word[2] for word in found[first : last + 1]])  # mostly all are near
    around = found[max(0, first) : last + 1]
    near = [word.text if word.start >= left and word.end <= right else "" for word in around]
    return ("",) * max(0, -first) + tuple(near) + ("",) * max(0, last + 1 - len(found))


def _layer(held: dict[str, Any], name: str) -> tuple[Matrix, Matrix]:
    return held[f"{name}.weight"].astype(np.float32), held[f"{name}.bias"].astype(np.float32)


def _relu(rows: Matrix, layer: tuple[Matrix, Matrix]) -> Matrix:
    weights, bias = layer
    out: Matrix = np.maximum(rows @ weights + bias, 0)
    return out
