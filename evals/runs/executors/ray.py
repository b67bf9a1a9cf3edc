"""Spread over a Ray cluster: the same results as on this machine, from as many processes as there are cores.

The log and the budget stay with the process that runs the suite, the answers with an actor on its node. Workers ask and
score. What they need of the suite's folder must lie at the same path on every node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals import environment
from evals.errors import BadInput, BudgetSpent, Missing
from evals.runs.answers import AnswersFile
from evals.runs.asker import Asker, Lines
from evals.runs.budget import Budget
from evals.runs.executors.base import Keep
from evals.runs.pace import Pace
from evals.runs.work import Unit, Work
from evals.sample import Output, Result, Usage


class Ray:
    """Joins the cluster that `RAY_ADDRESS` names; without one it starts one of this machine, and stops it again. Raises
    `Missing` without Ray, `BadInput` where there is no such cluster."""

    def __init__(self, work: Work, answers: Path, budget: Budget) -> None:
        self.budget = budget
        self._ray: Any = _library()
        self._joined = not self._ray.is_initialized()
        if self._joined:
            _join(self._ray)
        self._pace = Pace(work.limits.requests_per_minute)
        waiting = work.limits.concurrency + 1000  # claims that wait leave room for what they wait for
        kept = self._ray.remote(num_cpus=0, max_concurrency=waiting, scheduling_strategy=_here(self._ray))(Shelf)
        shelf = kept.remote(answers.absolute())
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        count = max(1, min(cores, work.limits.concurrency))
        self._each = -(-work.limits.concurrency // count)
        worker = self._ray.remote(num_cpus=1, max_concurrency=self._each, scheduling_strategy="SPREAD")(Worker)
        self._actors = [shelf, *(worker.remote(work, shelf) for _ in range(count))]

    async def execute(self, units: Iterator[Unit], keep: Keep) -> bool:
        feeders = [
            asyncio.create_task(self._feed(worker, units, keep))
            for worker in self._actors[1:]
            for _ in range(self._each)
        ]
        try:
            return all(await asyncio.gather(*feeders))
        finally:
            for feeder in feeders:
                feeder.cancel()
            await asyncio.gather(*feeders, return_exceptions=True)

    async def close(self) -> None:
        for actor in self._actors:
            self._ray.kill(actor)
        if self._joined:
            self._ray.shutdown()

    async def _feed(self, worker: Any, units: Iterator[Unit], keep: Keep) -> bool:
        for unit in units:
            await self._pace.turn()
            try:
                async with self.budget.call() as took:
                    result, spent = await self._ask(worker, unit)
                    took.append(Usage(cost=spent))
            except BudgetSpent:
                return False
            keep(unit.arm, result)
        return True

    async def _ask(self, worker: Any, unit: Unit) -> tuple[Result, int | None]:
        """Raises what asking raises here too."""
        try:
            found: tuple[Result, int | None] = await worker.result.remote(unit)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, BadInput):
                raise error.cause from error
            raise
        return found


class Worker:
    """Asks in its own process. The pace and the budget are kept where the run is."""

    def __init__(self, work: Work, shelf: Any) -> None:
        self._work, self._shelf = work, shelf
        self._tally = Tally()
        self._askers: dict[str, Asker] = {}

    async def result(self, unit: Unit) -> tuple[Result, int | None]:
        """With what was spent on it, in micro-USD; None where that is not known."""
        if not self._askers:
            self._askers = self._opened()
        took = self._tally.begin()
        result = await self._askers[unit.arm].result(unit.sample, unit.asking)
        costs = [usage.cost for usage in took]
        return result, None if None in costs else sum(cost for cost in costs if cost is not None)

    def _opened(self) -> dict[str, Asker]:
        limits = self._work.limits.model_copy(update={"requests_per_minute": None})
        lines = Lines(replace(self._work, limits=limits), self._tally, Shelved(self._shelf))
        return {arm: Asker(arm, self._work.scorers, lines) for arm in self._work.targets}


class Tally(Budget):
    """Without a limit of its own: tells for each unit, asked side by side with others, what was spent on it."""

    def __init__(self) -> None:
        super().__init__()
        self._of: ContextVar[list[Usage]] = ContextVar("took")

    def begin(self) -> list[Usage]:
        """What is filled by the calls that the current task makes from now on."""
        took: list[Usage] = []
        self._of.set(took)
        return took

    def count(self, took: list[Usage]) -> None:
        self._of.get().extend(took)


class Shelf:
    """The answers of a run, for all its workers."""

    def __init__(self, path: Path) -> None:
        self._file = AnswersFile(path)

    async def claim(self, key: bytes) -> Output | None:
        return await self._file.claim(key)

    async def keep(self, key: bytes, output: Output) -> None:
        await self._file.keep(key, output)

    async def release(self, key: bytes) -> None:
        await self._file.release(key)


class Shelved:
    """The `Answers` that a shelf elsewhere holds."""

    def __init__(self, shelf: Any) -> None:
        self._shelf = shelf

    async def claim(self, key: bytes) -> Output | None:
        found: Output | None = await self._shelf.claim.remote(key)
        return found

    async def keep(self, key: bytes, output: Output) -> None:
        await self._shelf.keep.remote(key, output)

    async def release(self, key: bytes) -> None:
        await self._shelf.release.remote(key)


def _library() -> Any:
    try:
        import ray
    except ImportError as error:
        raise Missing.extra("Ray", "ray") from error
    return ray


def _join(ray: Any) -> None:
    address = environment.value(environment.RAY)
    try:
        ray.init(address=address, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    except (ConnectionError, ValueError) as error:
        raise BadInput(f"There is no Ray cluster at {address}: {error}.") from error


def _here(ray: Any) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
