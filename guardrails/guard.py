"""What a guard is: frozen options, as they stand in a policy, that can judge a passage.

One file each under `guardrails.guards`. A guard holds no state: what is heavy or shared is lent to it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from guardrails.errors import NotRun
from guardrails.passage import LONG, Passage, Stage, Surroundings
from guardrails.verdict import Action, By, Finding, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FailMode = Literal["open", "closed"]


class Part(BaseModel):
    """A part of a policy. Unknown keys are refused: a misspelt option would be one that is not in force."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a text that a model reads at once: characters `start` to `end`, and for each of the model's labels
    the calibrated probability."""

    start: int
    end: int
    scores: tuple[float, ...]


class Models(Protocol):
    """What is lent to guards: the models, which are loaded once, asked in batches and shared."""

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        """For each row its windows, one at least, overlapping, none left out. A row is one text; for a model that reads
        pairs two, of which the second is windowed and the first is read with each of its windows. Raises `NotRun` where
        there is no such model, it fails, or too much is waiting."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, one row of each text, which is read as far as the model reads. Raises `NotRun` as `score`."""


class Guard(Part, ABC):
    """The options that all guards have. `name` is what verdicts call it; its kind where it is not given.

    `judge` never raises over what a passage holds, and takes time in proportion to its length; it raises `NotRun` where
    it cannot judge."""

    guard: str
    name: str | None = Field(
        None, pattern=r"^[a-z][a-z0-9_.-]{0,63}$", description="What verdicts call it; without it, its kind."
    )
    threshold: float = Field(0.5, gt=0, le=1, description="The score from which on the action is taken.")
    action: Action = Field("flag", description="allow, flag, redact, ask, fallback or block.")
    message: str | None = Field(None, max_length=1000, description="What the client is told where it is blocked.")
    budget: float = Field(10.0, gt=0, le=600, description="Seconds it may take for a passage.")
    on_failure: FailMode | None = Field(None, description="open or closed; closed for guards that hold something up.")
    about: ClassVar[str]
    """What it looks for, and how, in a line: for help and reports."""
    stages: ClassVar[tuple[Stage, ...]]
    """Where it can stand."""
    models: ClassVar[tuple[str, ...]] = ()
    """The shipped models it asks."""
    whole: ClassVar[bool] = False
    """It needs the finished text: of a stream it judges nothing before its end."""

    @property
    def called(self) -> str:
        return self.name or self.guard

    @property
    def at_end(self) -> bool:
        """Under these options it judges nothing of a stream before its end."""
        return self.whole

    @property
    def fails(self) -> FailMode:
        """A guard that only flags lets through what it could not judge; one that holds something up does not."""
        return self.on_failure or ("open" if self.action in ("allow", "flag") else "closed")

    @abstractmethod
    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding: ...

    async def narrowed(
        self, passage: Passage, spans: Sequence[Span], around: Surroundings, models: Models
    ) -> tuple[Span, ...]:
        """Of spans that are about to be redacted those parts that have to be. Raises `NotRun` as `judge`: then all of
        them go."""
        return tuple(spans)


class Finder(Guard):
    """A guard of rules, whose findings are spans, and which can follow a text while it grows.

    For every text T and every beginning P of it: what `spans` finds in T that starts before `settled(P)` is what it
    finds in P that starts there. So what stands before `settled` can be released, whatever comes next."""

    by: By = Field("mask", description="How it redacts: mask, hash, or vault: the answer has the value back.")
    reach: ClassVar[int]
    """The most characters before a place that decide what is found there, and the most that are held back for a find
    that may be growing: one that is longer is found by what is there of it."""

    @abstractmethod
    def spans(self, text: str, around: Surroundings) -> list[Span]:
        """In order, none inside another."""

    @abstractmethod
    def settled(self, text: str) -> int:
        """How many characters of an unfinished text no find that is growing can begin in."""

    def spans_after(self, text: str, since: int, around: Surroundings) -> list[Span]:
        """Those of `spans` that end after a place, others perhaps too: for a rule that finds them sooner than all."""
        return self.spans(text, around)

    def settled_after(self, text: str, since: int) -> int:
        """As `settled`, of a text that is known to be settled before `since`; less than that where no more is."""
        return self.settled(text)

    def idle(self, around: Surroundings) -> str | None:
        """Why a call gives it nothing to look for, as part of a sentence; None where it does."""
        return None

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if (why := self.idle(around)) is not None:
            raise NotRun(why, "idle")
        if len(passage.text) > LONG:
            return Finding.of(await asyncio.to_thread(self.spans, passage.text, around))
        return Finding.of(self.spans(passage.text, around))


def labelled(scores: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Scores by category, the highest first."""
    return tuple(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))
