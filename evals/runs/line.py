"""One model that is asked, the target or a judge's: with patience, at its pace, within the budget, and never twice for
the same."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from msgspec.structs import replace

from evals.errors import TargetFailed
from evals.runs.answers import Answers, Keys
from evals.runs.budget import Budget
from evals.runs.pace import Pace
from evals.sample import Output, Sample
from evals.suite import Limits
from evals.targets.base import Asking, Target, TargetSpec

MOST_WAIT = 60.0
"""Seconds between two attempts."""


def seed_of(seed: int, repeat: int) -> int:
    """The seed of a repeat: below 2^31, as APIs take it. Each sample is asked with the same."""
    return (seed * 1_000_003 + repeat) % 2**31


class Line:
    """Raises `BadInput` where the target cannot be opened. Answers of one `epoch` are none of another."""

    def __init__(
        self, spec: TargetSpec, folder: Path, limits: Limits, budget: Budget, answers: Answers, epoch: int = 0
    ) -> None:
        self._target: Target = spec.open(folder)
        self._keys = Keys(spec, epoch)
        self._limits, self._budget, self._answers = limits, budget, answers
        self._pace = Pace(limits.requests_per_minute)

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        """Raises `TargetFailed` when the last attempt failed, `BudgetSpent`."""
        key = self._keys.of(sample, asking)
        kept = await self._answers.claim(key)
        if kept is not None:
            return kept
        try:
            output = await self._patiently(sample, asking)
        except BaseException:
            await self._answers.release(key)
            raise
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
        return replace(output, seconds=output.seconds or time.perf_counter() - began, at=time.time())
