"""How far sentences stand on documents: the port that groundedness is measured through, and two ways of doing it.

A third, a model that reads both, plugs in here as another `Grounder`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from evals.sample import Output, Sample, text_of
from evals.scorers.base import Instruments
from evals.scorers.numbers import numbers
from evals.scorers.words import words

MOST_SENTENCES = 200
"""Of one answer; those after them are left out of account."""
SHORTEST = 4
"""Letters of a word that says something. Shorter ones are in every text, in most languages that write spaces."""
SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[.!?…][\"'”\u2019)\]])\s+|(?<=[。\uff01\uff1f])|\n+")
MARKS = re.compile(r"^\s*(?:[-*•#>]+|\d{1,3}[.)])\s+")
"""What begins a line of Markdown, and is no part of what it says."""


class Grounder(Protocol):
    async def support(self, sentences: Sequence[str], documents: Sequence[str]) -> list[float]:
        """For each sentence how far the documents bear it out, from 0 to 1. Raises `TargetFailed`, `Missing`."""


class ByWords:
    """The part of a sentence's longer words and numbers that one document has. A number that is in no document leaves
    nothing of the support: it is what is made up most often."""

    async def support(self, sentences: Sequence[str], documents: Sequence[str]) -> list[float]:
        held = [set(words(document)) for document in documents]
        figures = {figure for document in documents for figure in numbers(document)}
        return [_support(sentence, held, figures) for sentence in sentences]


def _support(sentence: str, documents: Sequence[set[str]], figures: set[float]) -> float:
    if any(figure not in figures for figure in numbers(sentence)):
        return 0.0
    said = set(telling(sentence))
    return max((len(said & held) / len(said) for held in documents), default=0.0) if said else 1.0


class ByMeaning:
    """Cosine similarity of a sentence's embedding with the nearest sentence of the documents. It tells whether they
    speak of the same, not whether they say the same."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    async def support(self, sentences: Sequence[str], documents: Sequence[str]) -> list[float]:
        held = [sentence for document in documents for sentence in sentences_of(document)]
        if not held or not sentences:
            return [0.0] * len(sentences)
        vectors = await self._instruments.embed([*sentences, *held])
        near = (vectors[: len(sentences)] @ vectors[len(sentences) :].T).max(axis=1)
        return [min(1.0, max(0.0, float(value))) for value in near]


def sentences_of(text: str) -> list[str]:
    """The sentences that say something, in order. An abbreviation with a full stop ends one too early."""
    found = (MARKS.sub("", part).strip() for part in SENTENCE.split(text))
    return [part for part in found if telling(part)][:MOST_SENTENCES]


def telling(text: str) -> list[str]:
    """The words of a text but its short ones; those with digits are kept, and characters that are words."""
    return [word for word in words(text) if len(word) >= SHORTEST or (len(word) == 1 and not word.isascii())]


def documents_of(sample: Sample, output: Output) -> list[str]:
    """What an answer is to stand on: the sample's documents, and what tools returned on the way."""
    looked_up = [text_of(message) for message in output.messages if message.get("role") == "tool"]
    return [text for text in (*sample.documents, *looked_up) if text.strip()]
