"""A judge with the lines to its models."""

from __future__ import annotations

from pathlib import Path

from evals.judges.bench import Bench
from evals.judges.hearing import Ask
from evals.judges.judge import Judge
from evals.runs.answers import Answers
from evals.runs.budget import Budget
from evals.runs.line import Line, seed_of
from evals.sample import Output, Sample
from evals.suite import Limits
from evals.targets.base import Asking


class Sitting:
    """Raises `BadInput` where a target of the judge cannot be opened."""

    def __init__(self, judge: Judge, folder: Path, limits: Limits, budget: Budget, answers: Answers) -> None:
        self._judge = judge
        shared = (folder, limits, budget, answers, judge.epoch)
        self._lines = tuple(Line(spec, *shared) for spec in judge.specs)

    def bench(self, repeat: int) -> Bench:
        """For one repeat: each has judgements of its own."""
        asking = Asking(repeat, seed_of(0, repeat))
        return Bench(self._judge.rubric, self._judge.scale, tuple(_asking(line, asking) for line in self._lines))

    async def close(self) -> None:
        for line in self._lines:
            await line.close()


def _asking(line: Line, asking: Asking) -> Ask:
    async def ask(question: Sample) -> Output:
        return await line.ask(question, asking)

    return ask
