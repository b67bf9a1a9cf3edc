"""Asks a target one sample, once for each repeat, and scores the answer: all of a run but its order and its log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from evals.embedding import Embedder
from evals.errors import EvalError, TargetFailed
from evals.judges.judge import Judge
from evals.runs.answers import Answers, Keys
from evals.runs.budget import Budget
from evals.runs.pace import Pace
from evals.sample import Output, Result, Sample, Score
from evals.scorers.base import Scorer
from evals.suite import Limits
from evals.targets.base import Asking, Target, TargetSpec

MOST_WAIT = 60.0
"""Seconds between two attempts."""


def seed_of(seed: int, repeat: int) -> int:
    """The seed of a repeat: below 2^31, as APIs take it. Each sample is asked with the same."""
    return (seed * 1_000_003 + repeat) % 2**31


class Line:
    """One model that is asked, the target or a judge: with patience, at its pace, within the budget, and never twice
    for the same."""

    def __init__(self, spec: TargetSpec, folder: Path, limits: Limits, budget: Budget, answers: Answers) -> None:
        self._target: Target = spec.open(folder)
        self._keys = Keys(spec)
        self._limits, self._budget, self._answers = limits, budget, answers
        self._pace = Pace(limits.requests_per_minute)

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        """Raises `TargetFailed` when the last attempt failed, `BudgetSpent`."""
        key = self._keys.of(sample, asking)
        kept = await self._answers.find(key)
        if kept is not None:
            return kept
        output = await self._patiently(sample, asking)
        await self._answers.keep(key, output)
        return output

    async def close(self) -> None:
        await self._target.close()

    async def _patiently(self, sample: Sample, asking: Asking) -> Output:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(sample, asking)
            except TargetFailed as error:
                if not error.retryable or attempt >= self._limits.attempts:
                    raise
                if error.after is not None:
                    self._pace.hold(min(error.after, MOST_WAIT))
                else:
                    await asyncio.sleep(min(0.5 * 2 ** (attempt - 1), MOST_WAIT))

    async def _once(self, sample: Sample, asking: Asking) -> Output:
        await self._pace.turn()
        async with self._budget.call() as took:
            began = time.perf_counter()
            try:
                async with asyncio.timeout(self._limits.seconds):
                    output = await self._target.ask(sample, asking)
            except TimeoutError as error:
                message = f"There was no answer within {self._limits.seconds:g} s."
                raise TargetFailed(message, retryable=True) from error
            took.append(output.usage)
        if not output.seconds:
            output = replace(output, seconds=time.perf_counter() - began)
        return output


class Asker:
    """One arm of a run. It is the `Instruments` of its scorers."""

    def __init__(
        self,
        spec: TargetSpec,
        scorers: Sequence[Scorer],
        judges: Mapping[str, Judge],
        folder: Path,
        limits: Limits,
        budget: Budget,
        answers: Answers,
    ) -> None:
        self._line = Line(spec, folder, limits, budget, answers)
        self._scorers = scorers
        self._judges = {name: Line(judge.spec, folder, limits, budget, answers) for name, judge in judges.items()}
        self._rubrics = {name: judge.rubric for name, judge in judges.items()}
        self._embedder = Embedder()

    async def result(self, sample: Sample, asking: Asking) -> Result:
        """Raises `BudgetSpent`, and `BadInput` where what a suite asks for cannot be done at all."""
        try:
            output = await self._line.ask(sample, asking)
        except TargetFailed as error:
            return Result(sample.id, asking.repeat, None, {}, time.time(), error.message)
        scores = {scorer.metric: await self._score(scorer, sample, output, asking) for scorer in self._scorers}
        return Result(sample.id, asking.repeat, output, scores, time.time())

    async def _score(self, scorer: Scorer, sample: Sample, output: Output, asking: Asking) -> Score:
        try:
            return await scorer.score(sample, output, self, asking.repeat)
        except TargetFailed as error:
            return Score(None, f"what scores it failed: {error.message}")
        except EvalError:
            raise
        except Exception as error:  # noqa: BLE001 - a plug-in's fault is a reason, and does not end a run
            return Score(None, f"{scorer.metric} raised {type(error).__name__}: {error}")

    async def judge(self, name: str, sample: Sample, repeat: int) -> Output:
        return await self._judges[name].ask(sample, Asking(repeat, seed_of(0, repeat)))

    def rubric(self, name: str) -> str:
        return self._rubrics[name]

    async def embed(self, texts: Sequence[str]) -> Any:
        return await self._embedder.embed(texts)

    async def close(self) -> None:
        for line in (self._line, *self._judges.values()):
            await line.close()
