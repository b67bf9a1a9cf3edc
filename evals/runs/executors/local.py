"""In this process, so many at once as the suite allows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from evals.errors import BudgetSpent
from evals.runs.answers import Answers
from evals.runs.asker import Asker, Lines
from evals.runs.budget import Budget
from evals.runs.executors.base import Keep
from evals.runs.work import Unit, Work


class Local:
    """Made inside the event loop that it runs in. Raises `BadInput` where a target cannot be opened."""

    def __init__(self, work: Work, answers: Answers, budget: Budget) -> None:
        self.budget = budget
        self._concurrency = work.limits.concurrency
        self._lines = Lines(work, budget, answers)
        self._askers = {arm: Asker(arm, work.scorers, self._lines) for arm in work.targets}

    async def execute(self, units: Iterator[Unit], keep: Keep) -> bool:
        workers = [asyncio.create_task(self._work(units, keep)) for _ in range(self._concurrency)]
        try:
            return all(await asyncio.gather(*workers))
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def close(self) -> None:
        await self._lines.close()

    async def _work(self, units: Iterator[Unit], keep: Keep) -> bool:
        for unit in units:
            try:
                result = await self._askers[unit.arm].result(unit.sample, unit.asking)
            except BudgetSpent:
                return False
            keep(unit.arm, result)
        return True
