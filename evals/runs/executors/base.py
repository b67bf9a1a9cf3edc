"""What an executor is: it asks what it is handed, and says what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from evals.runs.budget import Budget
from evals.runs.work import Unit
from evals.sample import Result

Keep = Callable[[str, Result], None]
"""Takes the result of an arm. Called in the event loop that the executor runs in."""


class Executor(Protocol):
    budget: Budget

    async def execute(self, units: Iterator[Unit], keep: Keep) -> bool:
        """Whether all could be paid. The results are the same from every executor, in whatever order they come. Raises
        `BadInput` where what a suite asks for cannot be done at all."""

    async def close(self) -> None: ...
