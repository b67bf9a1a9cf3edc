"""What a scorer is: frozen options, as they stand in a suite, that can score an output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from evals.evidence import Metric
from evals.parts import Part
from evals.sample import Output, Sample, Score


class Instruments(Protocol):
    """What the runner lends to scorers: what costs money or memory, and is shared, counted and remembered."""

    async def judge(self, name: str, sample: Sample, repeat: int) -> Output:
        """The answer of the suite's judge of that name to `sample`, from the cache where it was asked the same before.
        Raises `TargetFailed`, `BudgetSpent`."""

    async def embed(self, texts: Sequence[str]) -> Any:
        """Unit vectors, `len(texts)` x width, float32. Raises `Missing`, `TargetFailed`."""


class Scorer(Part, ABC):
    """`name` is the metric that it yields; that of its kind where it is not given. More is better, unless `lower`.

    `score` gives one score, whose value is finite or None; it never raises over what an output holds: an output that
    cannot be scored has a score of None with the reason, or of 0 where failing to be readable is being wrong."""

    kind: str
    name: Metric | None = None
    lower: ClassVar[bool] = False
    """Whether less is better, as of seconds."""
    about: ClassVar[str]
    """What it measures, its range and the paper where there is one, in a line: for help and reports."""

    @property
    def metric(self) -> str:
        return self.name or self.kind

    @property
    def judge_name(self) -> str | None:
        """The judge of the suite that it asks."""
        return None

    @abstractmethod
    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score: ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """What of it goes into the digest of a suite: all that changes a score."""
        return self.model_dump(mode="json", exclude_defaults=False)


def right(is_right: bool, reason: str = "", answer: str | None = None) -> Score:
    """1.0 or 0.0."""
    return Score(1.0 if is_right else 0.0, reason, answer)
