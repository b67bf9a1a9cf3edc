"""Prompt attacks: texts that want to take a model over from whom it works for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from guardrails.canonical.view import View
from guardrails.errors import NotRun
from guardrails.guard import Models, Window
from guardrails.guards.examples import Judged, Learning, chance, odds
from guardrails.guards.language import LANGUAGES, told
from guardrails.guards.narrowing import narrowed
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.redact import cut, merged
from guardrails.verdict import Finding, Span

ATTACK = 0
"""The place of `attack` among the labels of the model."""
NARROWED = 8
"""Flagged windows of a text whose sentences are told apart, where they are to be taken out: the others go whole."""
OTHER = "other"
"""Stands for every language but English that has no threshold of its own. It never makes the guard less strict."""


def _language(code: str) -> str:
    if code != OTHER and code not in LANGUAGES:
        raise ValueError(f"{code[:20]!r} is no language that can be told; write two letters, as de or zh, or `other`")
    return code


class PromptAttack(Learning):
    """Injections, jailbreaks and requests for the system prompt, in what people write, in documents and in what tools
    return. Each reading of the text is scored in windows, and the score is that of the worst window of the worst
    reading: an encoding alone is no attack, what it hides may be. Spans are the windows at or above the threshold; of
    what was decoded, the part of the text that it was made from. Where it redacts, those sentences of a window go that
    make it an attack."""

    guard: Literal["prompt_attack"] = "prompt_attack"
    about: ClassVar[str] = "Prompt injection, jailbreaks and leak requests, also encoded or in documents, by a model"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "documents")
    threshold: float = Field(0.976, gt=0, le=1, description="The score from which on the action is taken.")

    thresholds: Mapping[Annotated[str, AfterValidator(_language)], Annotated[float, Field(gt=0, le=1)]] = Field(
        {OTHER: 0.9}, description="For single languages, as {de: 0.8}; `other` is any but English and those named."
    )

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if not passage.text.strip():
            raise NotRun("there is no text to judge", "idle")
        views = await self.readings(passage)
        return self.finding(views, await self.judged(views, await self.read(views, models), models))

    def of(self, window: Window) -> float:
        return window.scores[ATTACK]

    async def readings(self, passage: Passage) -> tuple[View, ...]:
        return await passage.read()

    async def placed(self, views: Sequence[View], read: Sequence[Sequence[Window]]) -> list[list[Judged]]:
        """With the thresholds of languages: in one that has its own a score is moved, in log-odds, by as much as that
        is away from the guard's. Only what could reach one of them is asked for its language; where languages cannot
        be told, the guard's threshold is that of all."""
        found = await super().placed(views, read)
        least = min((*self.thresholds.values(), self.threshold))
        places = [
            (row, at) for row, windows in enumerate(found) for at, one in enumerate(windows) if one.score >= least
        ]
        if not self.thresholds or not places:
            return found
        texts = [views[row].text[found[row][at].start : found[row][at].end] for row, at in places]
        try:
            languages = await asyncio.to_thread(told, texts)
        except NotRun:
            return found
        for (row, at), lang in zip(places, languages, strict=True):
            found[row][at] = self._in(lang, found[row][at])
        return found

    def _in(self, lang: str | None, one: Judged) -> Judged:
        """A window of a language."""
        if lang is None or (lang == "en" and lang not in self.thresholds):
            return one
        limit = self.thresholds.get(lang, min(self.thresholds.get(OTHER, 1.0), self.threshold))
        score = chance(odds(one.score) + odds(self.threshold) - odds(limit))
        if abs(one.score - limit) < 1e-9:
            score = self.threshold  # to the letter, whatever rounding does
        crossed = (score >= self.threshold) != (one.score >= self.threshold)
        return replace(one, score=score, lang=lang if crossed else None)

    def finding(self, views: Sequence[View], read: Sequence[Sequence[Judged]]) -> Finding:
        """Of the windows of each reading, in the order of `views`."""
        scored = [(view, window) for view, windows in zip(views, read, strict=True) for window in windows]
        view, worst = max(scored, key=lambda one: one[1].score)
        spans = {
            (found.start, found.end): found
            for found in sorted(
                (_span(*one) for one in scored if one[1].score >= self.threshold), key=lambda span: span.score
            )
        }
        ordered = sorted(spans.values(), key=lambda span: (span.start, span.end))
        if ordered:
            return Finding(worst.score, tuple(ordered), self._reason(view, worst, len(views)))
        excused = next(((view, window) for view, window in scored if window.by is not None), None)
        return Finding(worst.score, (), self._reason(*excused, len(views)) if excused is not None else "")

    async def narrowed(
        self, passage: Passage, spans: Sequence[Span], around: Surroundings, models: Models
    ) -> tuple[Span, ...]:
        """The sentences of windows that make them an attack, as long as what is left of the passage is none in any
        reading."""

        async def rate(texts: Sequence[str]) -> list[float]:
            scored = await models.score(self.model, [(text,) for text in texts])
            return [max(map(self.of, windows)) for windows in scored]

        found: list[Span] = []
        for span in spans[:NARROWED]:
            parts = await narrowed(passage.text[span.start : span.end], rate)
            found += [replace(span, start=span.start + part.start, end=span.start + part.end) for part in parts]
        fewer = merged([*found, *spans[NARROWED:]])
        left = replace(passage, text=cut(passage.text, 0, fewer))
        return tuple(fewer if (await self.judge(left, around, models)).score < self.threshold else spans)

    def _reason(self, view: View, window: Judged, count: int) -> str:
        of = f", the worst of {count} readings" if count > 1 and window.by is None else ""
        place = (
            f"characters {view.start} to {view.end} with {', '.join(view.how)} undone"
            if view.how
            else f"characters {window.start} to {window.end}"
        )
        if window.by is not None:
            return f"{place} are {self.because(window.by)}"
        return f"{place}{f', in {window.lang},' if window.lang else ''} read as an attack{of}"


def _span(view: View, window: Judged) -> Span:
    if view.how:
        return Span(view.start, view.end, "prompt_attack", window.score)
    return Span(window.start, window.end, "prompt_attack", window.score)
