"""What a run may cost, and when it must stop for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from evals.errors import BadInput, BudgetSpent
from evals.sample import Usage


class Budget:
    """`limit` and `spent` are in micro-USD; without a limit it only counts.

    A call is made only where what was spent, and the dearest call so far for each that is on its way, leave room for
    one more as dear; until one call's cost is known, one is made at a time. So it is overrun by no more than what the
    last calls cost beyond any before them."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit, self.spent = limit, 0
        self.known = True
        """False once a cost was not told: `spent` is then of the others."""
        self._dearest: int | None = None
        self._waiting = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def call(self) -> AsyncIterator[list[Usage]]:
        """Around one call; what it took is put into the list. Raises `BudgetSpent`."""
        if self.limit is None:
            took: list[Usage] = []
            yield took
            self.count(took)
            return
        async with self._changed:
            await self._changed.wait_for(self._ready)
            if self.spent + (self._dearest or 0) * (self._waiting + 1) > self.limit or self.spent >= self.limit:
                raise BudgetSpent(f"The budget of {self.limit / 1e6:g} USD is spent: {self.spent / 1e6:.4f} USD.")
            self._waiting += 1
        took = []
        try:
            yield took
        finally:
            async with self._changed:
                self._waiting -= 1
                self._changed.notify_all()
                self.count(took)

    def _ready(self) -> bool:
        """Whether it can be said if one more call may be made."""
        if self._dearest is None:
            return self._waiting == 0
        assert self.limit is not None
        return self._waiting == 0 or self.spent + self._dearest * (self._waiting + 1) <= self.limit

    def count(self, took: list[Usage]) -> None:
        """Calls that were made. Raises `BadInput` where a cost is not known, and has a limit."""
        for usage in took:
            if usage.cost is None:
                self.known = False
                if self.limit is not None:
                    raise BadInput("What a call costs is not known, and there is a budget: give the target its prices.")
            else:
                self.spent += usage.cost
                self._dearest = max(self._dearest or 0, usage.cost)
