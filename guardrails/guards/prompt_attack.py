"""Prompt attacks: texts that want to take a model over from whom it works for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from guardrails.canonical.view import View
from guardrails.errors import NotRun
from guardrails.guard import Models, Window
from guardrails.guards.examples import Judged, Learning
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

ATTACK = 0
"""The place of `attack` among the labels of the model."""


class PromptAttack(Learning):
    """Injections, jailbreaks and requests for the system prompt, in what people write, in documents and in what tools
    return. Each reading of the text is scored in windows, and the score is that of the worst window of the worst
    reading: an encoding alone is no attack, what it hides may be. Spans are the windows at or above the threshold; of
    what was decoded, the part of the text that it was made from."""

    guard: Literal["prompt_attack"] = "prompt_attack"
    about: ClassVar[str] = "Prompt injection, jailbreaks and leak requests, also encoded or in documents, by a model."
    stages: ClassVar[tuple[Stage, ...]] = ("input", "documents")
    threshold: float = Field(0.945, gt=0, le=1, description="The score from which on the action is taken.")

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if not passage.text.strip():
            raise NotRun("there is no text to judge", due=False)
        views = await self.readings(passage)
        return self.finding(views, await self.judged(views, await self.read(views, models), models))

    def of(self, window: Window) -> float:
        return window.scores[ATTACK]

    async def readings(self, passage: Passage) -> tuple[View, ...]:
        return await passage.read()

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

    def _reason(self, view: View, window: Judged, count: int) -> str:
        of = f", the worst of {count} readings" if count > 1 and window.by is None else ""
        place = (
            f"characters {view.start} to {view.end} with {', '.join(view.how)} undone"
            if view.how
            else f"characters {window.start} to {window.end}"
        )
        if window.by is None:
            return f"{place} read as an attack{of}"
        return f"{place} are {self.because(window.by)}"


def _span(view: View, window: Judged) -> Span:
    if view.how:
        return Span(view.start, view.end, "prompt_attack", window.score)
    return Span(window.start, window.end, "prompt_attack", window.score)
