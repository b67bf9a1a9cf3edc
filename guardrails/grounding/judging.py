"""Sentences judged against texts: a model's word for each over its evidence, what can be counted, where it is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from guardrails.errors import NotRun
from guardrails.grounding.claims import claim
from guardrails.grounding.evidence import BUDGET
from guardrails.grounding.sentences import Sentence
from guardrails.grounding.support import Checked, Source, checked, head
from guardrails.guard import Models
from guardrails.verdict import Span

MODEL = "groundedness"
MOST_SENTENCES = 400
"""Of an answer that is judged at all."""
LONGEST_CONTEXT = 4_000_000
"""Characters of a context that is read at all: a million tokens."""
QUICK = 20_000
"""Characters up to which a context is cut where the event loop runs; above that on a thread."""
COVERED = 0.5
"""The share of a sentence's terms, by weight, that its evidence lacks at most for a missing literal to be all of it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """`score` is the probability that the sentence is not borne out; `spans` where it is not, in the answer."""

    sentence: Sentence
    score: float
    spans: tuple[Span, ...]


async def prepared(texts: Sequence[str], beside: str = "") -> Source:
    """Raises `NotRun` for a context that is too long."""
    length = sum(len(text) for text in texts) + len(beside)
    if length > LONGEST_CONTEXT:
        raise NotRun(f"the context has {length} characters; {LONGEST_CONTEXT} are read at most", "unreadable")
    return Source.of(texts, beside) if length <= QUICK else await asyncio.to_thread(Source.of, texts, beside)


async def judged(
    said: Sequence[Sentence], question: str, source: Source, models: Models | None = None, model: str = MODEL
) -> list[Judged]:
    """By words and literals alone where no models are given, of which `model` is asked. Raises `NotRun` where there is
    no such model, and for an answer of more sentences than are judged."""
    if len(said) > MOST_SENTENCES:
        raise NotRun(f"the answer has {len(said)} sentences; {MOST_SENTENCES} are judged at most", "unreadable")
    rows = []
    for sentence in said:
        put = claim(question, sentence.text)
        rows.append((put, source.context.evidence(put)))
    told = [0.0] * len(rows)
    if models is not None:
        answers = await models.score(model, rows)
        told = [logit(max(window.scores[0] for window in windows)) for windows in answers]
    fit = head("words" if models is None else "model")
    found = []
    for sentence, (put, evidence), supported in zip(said, rows, told, strict=True):
        counted = checked(question, sentence.text, put, evidence, source)
        score = fit.ungrounded(supported, counted.numbers)
        found.append(Judged(sentence, score, where(sentence, counted, score)))
    return found


def where(sentence: Sentence, counted: Checked, score: float) -> tuple[Span, ...]:
    """What of a sentence that is not borne out is wrong: the words in which it leaves the text that it otherwise
    follows, the literals that no text has where the rest stands there, or else the whole of it."""
    at = sentence.start
    if counted.alignment.near and counted.alignment.changed:
        return tuple(Span(at + start, at + end, "altered", score) for start, end in counted.alignment.changed)
    if counted.absent and counted.numbers[0] <= COVERED:
        return tuple(Span(at + one.start, at + one.end, one.kind, score) for one in counted.absent)
    return (Span(at, sentence.end, "ungrounded", score),)


def how(source: Source, models: Models | None) -> str:
    """What a reason says of how sentences were judged."""
    if models is None:
        return "by words and literals alone"
    whole = sum(source.context.sizes)
    said = "by words, literals and the model"
    if whole <= BUDGET:
        return said
    return f"{said}; with each sentence the {BUDGET} tokens of about {whole} were read that have the most of its words"


def logit(share: float) -> float:
    held = min(1 - 1e-6, max(1e-6, share))
    return log(held / (1 - held))
