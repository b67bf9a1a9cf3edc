"""Moderation: hate, offence, toxicity and requests for harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from guardrails.canonical.view import View
from guardrails.errors import NotRun
from guardrails.guard import Models, Window, labelled
from guardrails.guards.examples import Judged, Learning
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

FLAGGED = 1
"""The place of `flagged` among the labels of the model."""
PLACES = {2: "harmful_request", 3: "hate", 4: "offensive", 5: "toxic"}
"""Those of the categories."""
PART = 0.25
"""Of the likeliest category in the score of a text."""

Category = Literal["harmful_request", "hate", "offensive", "toxic"]


class Moderation(Learning):
    """Whether a text should be flagged, and by category how likely it is of each. The score is that of its worst
    window; with `categories` only those count. Trained on English posts, and on harmful requests in ten languages;
    sarcasm and quotes of others are read as what they say. At the threshold that it comes with, one ordinary question
    in fifty is flagged: it is for flagging, and for a person to look at, rather than for blocking."""

    guard: Literal["moderation"] = "moderation"
    about: ClassVar[str] = "Hate, offence, toxicity and requests for harm, scored by category by a model"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "documents", "output")
    threshold: float = Field(0.9, gt=0, le=1, description="The score from which on the action is taken.")
    categories: tuple[Category, ...] = Field((), description="Those that count; all where it is empty.")

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if not passage.text.strip():
            raise NotRun("there is no text to judge", "idle")
        views = await self.readings(passage)
        read = await self.read(views, models)
        (windows,), (judged,) = read, await self.judged(views, read, models)
        spans = tuple(
            Span(one.start, one.end, "moderation", one.score) for one in judged if one.score >= self.threshold
        )
        found = labelled({name: max(window.scores[at] for window in windows) for at, name in PLACES.items()})
        worst = max(judged, key=lambda one: one.score)
        return Finding(worst.score, spans, self._reason(worst, judged, found[0][0]), found)

    def of(self, window: Window) -> float:
        """The score of one window: how likely it is of the likeliest of `categories`; without any, how likely it is to
        be flagged, a quarter of it, in log-odds, from the likeliest category: alone it takes more ordinary questions
        for harmful."""
        likeliest = max(
            window.scores[at] for at, name in PLACES.items() if name in (self.categories or PLACES.values())
        )
        return likeliest if self.categories else _mixed(window.scores[FLAGGED], likeliest)

    async def readings(self, passage: Passage) -> tuple[View, ...]:
        return (View(passage.text, (), 0, len(passage.text)),)

    def _reason(self, worst: Judged, judged: Sequence[Judged], likeliest: str) -> str:
        flagged = worst.score >= self.threshold
        moved = worst if flagged else next((one for one in judged if one.by is not None), worst)
        if moved.by is not None:
            return f"characters {moved.start} to {moved.end} are {self.because(moved.by)}"
        return f"{likeliest} is the likeliest category" if flagged else ""


def _mixed(flagged: float, likeliest: float) -> float:
    both = flagged ** (1 - PART) * likeliest**PART
    neither = (1 - flagged) ** (1 - PART) * (1 - likeliest) ** PART
    return both / (both + neither) if both + neither else 0.5
