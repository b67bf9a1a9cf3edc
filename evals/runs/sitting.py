"""A judge with the line to its model."""

from __future__ import annotations

from pathlib import Path

from evals.judges.bench import Bench
from evals.judges.judge import Judge
from evals.runs.answers import Answers
from evals.runs.budget import Budget
from evals.runs.line import Line, seed_of
from evals.sample import Output, Sample
from evals.suite import Limits
from evals.targets.base import Asking


class Sitting:
    """Raises `BadInput` where the judge's target cannot be opened."""

    def __init__(self, judge: Judge, folder: Path, limits: Limits, budget: Budget, answers: Answers) -> None:
        self._judge = judge
        self._line = Line(judge.spec, folder, limits, budget, answers)

    def bench(self, repeat: int) -> Bench:
        """For one repeat: each has judgements of its own."""
        asking = Asking(repeat, seed_of(0, repeat))

        async def ask(question: Sample) -> Output:
            return await self._line.ask(question, asking)

        return Bench(self._judge.rubric, self._judge.scale, ask)

    async def close(self) -> None:
        await self._line.close()
