"""Guards that learn from examples: texts that people labelled, as options of a policy, change the scores of texts that
are like them.

They are part of the policy, and so of its digest: another example makes another policy, which is proven like any other.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from math import exp, log
from typing import TYPE_CHECKING, Annotated, ClassVar, Self, TypeVar

import yaml
from pydantic import Field, PrivateAttr, field_validator, model_validator

from guardrails.canonical.view import View
from guardrails.guard import Guard, Models, Part, Window
from guardrails.passage import Passage

if TYPE_CHECKING:
    from guardrails.guards.example_head import Correction

MODEL = "prompts"
"""The model that such guards ask, and whose embeddings say what is near."""
MOST = 1000
"""Examples of one guard."""
LONGEST = 50_000
"""Characters of an example."""
MOST_WINDOWS = 4
"""Of one example that is harmless, the worst ones."""
AT_ONCE = 32
"""Texts that a model is asked about at once: what is known of them is kept where a budget ends the rest."""
SURE = 1e-9
"""Nothing is surer than this."""
T = TypeVar("T")


class Example(Part):
    """A text and whether the guard should catch it; `reason` says why, for whoever reads it later."""

    text: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    attack: bool
    reason: Annotated[str, Field(max_length=1000)] = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A window of a reading. `by` is the number of the example that brought it to its side of the threshold; None where
    the model did. `lang` is its language where that has a threshold of its own, which decided."""

    start: int
    end: int
    score: float
    by: int | None = None
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Learnt:
    """`numbers` says which example each one of the correction is a window of."""

    correction: Correction
    numbers: tuple[int, ...]


class Learning(Guard):
    """A guard that asks the model `prompts`, or one of that shape which was trained on one's own data."""

    models: ClassVar[tuple[str, ...]] = (MODEL,)
    model: str = Field(
        MODEL,
        pattern=rf"^{MODEL}(@[0-9a-f]{{12,64}})?$",
        description="prompts, or prompts@DIGEST of an own one.",
    )
    examples: tuple[Example, ...] = Field(
        (), max_length=MOST, description="Texts that people labelled, each {text, attack: true or false, reason}."
    )
    _learnt: dict[float, asyncio.Task[Learnt]] = PrivateAttr(default_factory=dict)

    @field_validator("examples", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError("a file is read where a policy is loaded from one; here write the examples, as a list")
        return value

    @model_validator(mode="after")
    def _once(self) -> Self:
        seen: dict[str, int] = {}
        for number, example in enumerate(self.examples):
            if (first := seen.setdefault(example.text, number)) != number:
                raise ValueError(f"`examples`: {first} and {number} are the same text; leave one of them out")
        return self

    @abstractmethod
    def of(self, window: Window) -> float:
        """The score that the threshold is for, as the model gives it."""

    @abstractmethod
    async def readings(self, passage: Passage) -> tuple[View, ...]:
        """What of a passage is judged."""

    async def read(self, views: Sequence[View], models: Models) -> list[tuple[Window, ...]]:
        """The windows of each reading, as the model scores them."""
        return await models.score(self.model, [(view.text,) for view in views])

    async def placed(self, views: Sequence[View], read: Sequence[Sequence[Window]]) -> list[list[Judged]]:
        """The same windows, without what examples change."""
        return [[Judged(one.start, one.end, self.of(one)) for one in windows] for windows in read]

    async def judged(
        self, views: Sequence[View], read: Sequence[Sequence[Window]], models: Models
    ) -> list[list[Judged]]:
        """The same windows, with what the examples change of their scores. Only those are asked about, in embeddings,
        that examples could bring to the other side of the threshold."""
        found = await self.placed(views, read)
        if not self.examples:
            return found
        learnt = await self._ready(models)
        correction, limit = learnt.correction, odds(self.threshold)
        places = [
            (row, at)
            for row, windows in enumerate(found)
            for at, one in enumerate(windows)
            if odds(one.score) + correction.fall < limit <= odds(one.score) + correction.rise
        ]
        for batch in batches(places):
            texts = [views[row].text[found[row][at].start : found[row][at].end] for row, at in batch]
            added, nearest = correction.of(await models.embed(texts))
            for (row, at), more, near in zip(batch, added, nearest, strict=True):
                found[row][at] = self._moved(found[row][at], more, learnt.numbers[near])
        return found

    def _moved(self, one: Judged, more: float, number: int) -> Judged:
        """A window whose log-odds an example, and others with it, add to."""
        if not more:
            return one
        score = chance(odds(one.score) + more)
        crossed = (score >= self.threshold) != (one.score >= self.threshold)
        return replace(one, score=score, by=number if crossed else None)

    async def _ready(self, models: Models) -> Learnt:
        """Fitted once for each threshold. Who gives up waiting does not end it for those who come after."""
        task = self._learnt.get(self.threshold)
        if task is not None and task.done() and not task.cancelled() and task.exception() is None:
            return task.result()
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            task = self._learnt[self.threshold] = asyncio.create_task(self._learn(models))
        return await asyncio.shield(task)

    async def _learn(self, models: Models) -> Learnt:
        from guardrails.guards.example_head import Space, corrected  # numpy and scipy: only where there are examples

        usual = await embedded(usual_texts(), models)
        texts: list[str] = []
        given: list[float] = []
        numbers: list[int] = []
        for number, example in enumerate(self.examples):
            for score, text in await self._telling(example, models):
                texts.append(text)
                given.append(odds(score) - odds(self.threshold))
                numbers.append(number)
        labels = [self.examples[number].attack for number in numbers]
        vectors = await embedded(texts, models)
        correction = await asyncio.to_thread(lambda: corrected(Space.of(usual), vectors, labels, given))
        return Learnt(correction, tuple(numbers))

    async def _telling(self, example: Example, models: Models) -> list[tuple[float, str]]:
        """The windows that an example is about, with their scores: of an attack the worst; of what is none all that
        would be taken for one, or the worst."""
        views = await self.readings(Passage(example.text))
        read = await self.read(views, models)
        scored = [
            (one.score, view.text[one.start : one.end])
            for view, windows in zip(views, await self.placed(views, read), strict=True)
            for one in windows
        ]
        scored.sort(key=lambda one: -one[0])
        taken = [one for one in scored if one[0] >= self.threshold][:MOST_WINDOWS]
        return scored[:1] if example.attack or not taken else taken

    def because(self, number: int) -> str:
        """How a reason names an example."""
        example = self.examples[number]
        said = "to be caught" if example.attack else "harmless"
        return f"like examples.{number}, which is {said}" + (f": {example.reason[:200]}" if example.reason else "")


async def embedded(texts: Sequence[str], models: Models) -> list[list[float]]:
    found: list[list[float]] = []
    for batch in batches(texts):
        found += (await models.embed(batch)).tolist()
    return found


def batches(given: Sequence[T]) -> Iterator[Sequence[T]]:
    for first in range(0, len(given), AT_ONCE):
        yield given[first : first + AT_ONCE]


def usual_texts() -> list[str]:
    """What people, documents and attackers say, in a few languages."""
    held = yaml.safe_load(files("guardrails.guards").joinpath("usual.yaml").read_text("utf-8"))
    return [*held["harmless"], *held["attacks"]]


def odds(score: float) -> float:
    """The log-odds of a probability, within bounds."""
    held = min(1 - SURE, max(SURE, score))
    return log(held / (1 - held))


def chance(said: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + exp(-max(-60.0, min(60.0, said))))
