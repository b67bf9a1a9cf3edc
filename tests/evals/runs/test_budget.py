from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import BadInput, BudgetSpent
from evals.runs.budget import Budget
from evals.sample import Usage

pytestmark = pytest.mark.anyio


async def call(budget: Budget, cost: int | None) -> None:
    async with budget.call() as took:
        await asyncio.sleep(0)
        took.append(Usage(cost=cost))


async def test_without_a_limit_it_only_counts() -> None:
    budget = Budget()
    await asyncio.gather(*(call(budget, 5) for _ in range(4)), call(budget, None))
    assert (budget.spent, budget.known) == (20, False)


async def test_until_a_cost_is_known_one_call_is_made_at_a_time() -> None:
    budget, at_once = Budget(1000), []

    async def slow() -> None:
        async with budget.call() as took:
            at_once.append(len(running))
            running.append(1)
            await asyncio.sleep(0.001)
            running.pop()
            took.append(Usage(cost=10))

    running: list[int] = []
    await asyncio.gather(*(slow() for _ in range(5)))
    assert at_once[:2] == [0, 0]
    assert max(at_once) > 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 300), st.lists(st.integers(0, 40), max_size=40), st.integers(1, 8))
def test_calls_as_dear_as_any_before_never_overrun_it(limit: int, costs: list[int], workers: int) -> None:
    """Costs that only fall: then nothing is dearer than what was seen."""
    queue = iter(sorted(costs, reverse=True))

    async def work(budget: Budget) -> None:
        for cost in queue:
            try:
                await call(budget, cost)
            except BudgetSpent:
                return

    async def run() -> Budget:
        budget = Budget(limit)
        await asyncio.gather(*(work(budget) for _ in range(workers)))
        return budget

    spent = asyncio.run(run()).spent
    assert spent <= max([limit, *costs[:0], max(costs, default=0)])
    if costs and max(costs) <= limit:
        assert spent <= limit


async def test_a_call_that_fails_gives_its_place_back() -> None:
    budget = Budget(20)
    await call(budget, 10)
    with pytest.raises(ValueError, match="no"):
        async with budget.call():
            raise ValueError("no")
    await call(budget, 10)
    with pytest.raises(BudgetSpent, match="is spent"):
        await call(budget, 10)


async def test_a_cost_that_is_not_told_is_no_cost_of_nothing() -> None:
    with pytest.raises(BadInput, match="prices"):
        await call(Budget(20), None)
