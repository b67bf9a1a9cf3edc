"""What an executor is: it asks what it is handed, and says what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evals.judges.judge import Judge
from evals.runs.budget import Budget
from evals.sample import Result, Sample
from evals.scorers.base import Scorer
from evals.suite import Limits
from evals.targets.base import Asking, TargetSpec


@dataclass(frozen=True, slots=True)
class Unit:
    """One ask of one sample of one arm, by the arm's name."""

    arm: str
    sample: Sample
    asking: Asking


@dataclass(frozen=True, slots=True)
class Work:
    """All that asking and scoring depend on: the targets by arm, and what a suite says. It can be sent elsewhere."""

    targets: Mapping[str, TargetSpec]
    scorers: tuple[Scorer, ...]
    judges: Mapping[str, Judge]
    folder: Path
    limits: Limits


Keep = Callable[[str, Result], None]
"""Takes the result of an arm. Called in the event loop that the executor runs in."""


class Executor(Protocol):
    budget: Budget

    async def execute(self, units: Iterator[Unit], keep: Keep) -> bool:
        """Whether all could be paid. The results are the same from every executor, in whatever order they come. Raises
        `BadInput` where what a suite asks for cannot be done at all."""

    async def close(self) -> None: ...
