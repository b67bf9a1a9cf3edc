"""Prompt attacks: texts that want to take a model over from whom it works for."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from guardrails.canonical.view import View
from guardrails.errors import NotRun
from guardrails.guard import Guard, Models, Window
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

MODEL = "prompts"
ATTACK = 0
"""The place of `attack` among the labels of the model."""


class PromptAttack(Guard):
    """Injections, jailbreaks and requests for the system prompt, in what people write, in documents and in what tools
    return. Each reading of the text is scored in windows, and the score is that of the worst window of the worst
    reading: an encoding alone is no attack, what it hides may be. Spans are the windows at or above the threshold; of
    what was decoded, the part of the text that it was made from."""

    guard: Literal["prompt_attack"] = "prompt_attack"
    about: ClassVar[str] = "Prompt injection, jailbreaks and leak requests, also encoded or in documents, by a model."
    stages: ClassVar[tuple[Stage, ...]] = ("input", "documents")
    models: ClassVar[tuple[str, ...]] = (MODEL,)
    threshold: float = Field(0.956, gt=0, le=1, description="The score from which on the action is taken.")

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if not passage.text.strip():
            raise NotRun("there is no text to judge", due=False)
        views = await passage.read()
        read = await models.score(MODEL, [(view.text,) for view in views])
        return finding(views, read, self.threshold)


def finding(views: tuple[View, ...], read: list[tuple[Window, ...]], threshold: float) -> Finding:
    """Of the windows of each reading, in the order of `views`."""
    scored = [
        (window.scores[ATTACK], view, window) for view, windows in zip(views, read, strict=True) for window in windows
    ]
    score, view, window = max(scored, key=lambda one: one[0])
    spans = {
        (found.start, found.end): found
        for found in sorted((_span(*one) for one in scored if one[0] >= threshold), key=lambda span: span.score)
    }
    ordered = sorted(spans.values(), key=lambda span: (span.start, span.end))
    return Finding(score, tuple(ordered), _reason(view, window, len(views)) if ordered else "")


def _span(score: float, view: View, window: Window) -> Span:
    if view.how:
        return Span(view.start, view.end, "prompt_attack", score)
    return Span(window.start, window.end, "prompt_attack", score)


def _reason(view: View, window: Window, count: int) -> str:
    of = f", the worst of {count} readings" if count > 1 else ""
    if view.how:
        return f"characters {view.start} to {view.end} with {', '.join(view.how)} undone read as an attack{of}"
    return f"characters {window.start} to {window.end} read as an attack{of}"
