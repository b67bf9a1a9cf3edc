"""What every State promises, on each of them, with a real server behind Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import pytest

from gateway.state.base import UNKNOWN, Deal, Stake, State, Trade
from tests.state.conftest import BOUND, DEAD, States
from tests.waiting import until

pytestmark = pytest.mark.anyio
SOON = int(time.time()) + 3600


class Replica:
    """Trades by hand, for one pool of ten."""

    def __init__(self, state: State, name: str) -> None:
        self.state = state
        self.name = name
        self._numbers = count(1)
        self._seen = ("", 0)

    async def trade(self, taken: int, want: int = 0, leaving: bool = False, **stake: Any) -> Deal:
        only = Stake(**{"pool": "p", "size": 10, "until": SOON, "taken": taken, "want": want, "least": want, **stake})
        deal = await self.state.trade(Trade(self.name, next(self._numbers), *self._seen, [only], leaving))
        self._seen = (deal.epoch, deal.count)
        return deal


Replicas = Callable[[str], Replica]


@asynccontextmanager
async def opened(states: States) -> AsyncIterator[Replicas]:
    async with AsyncExitStack() as stack:

        def replica(name: str) -> Replica:
            state = states()
            stack.push_async_callback(state.close)
            return Replica(state, name)

        yield replica


async def test_a_pool_never_grants_more_than_it_has(states: States) -> None:
    async with opened(states) as replica:
        one, two = replica("one"), replica("two")
        first = await one.trade(0, want=7)
        assert (first.grants, first.left, first.wait) == ([7], [3], 0)
        assert (await two.trade(0, want=4)).grants == [0]
        second = await two.trade(0, want=3)
        assert (second.grants, second.left) == ([3], [0])
        assert (second.epoch, second.count) == (first.epoch, 3)


async def test_what_is_given_back_can_be_taken_by_others(states: States) -> None:
    async with opened(states) as replica:
        one, two = replica("one"), replica("two")
        await one.trade(0, want=10)
        await one.trade(6)
        assert (await two.trade(0, want=4)).grants == [4]


async def test_a_share_of_a_large_pool_comes_along(states: States) -> None:
    async with opened(states) as replica:
        one, two = replica("one"), replica("two")
        assert (await one.trade(0, want=1, size=8000)).grants == [1000]
        assert (await two.trade(0, want=1, size=8000)).grants == [437]  # of 7000 left, shared by two


async def test_what_does_not_help_is_not_granted(states: States) -> None:
    async with opened(states) as replica:
        one = replica("one")
        deal = await one.trade(0, want=50, least=11)
        assert (deal.grants, deal.left) == ([0], [10])
        assert (await one.trade(0, want=50, least=10)).grants == [10]


async def test_a_reply_that_was_lost_costs_nothing(states: States) -> None:
    async with opened(states) as replica:
        one = replica("one")
        await one.trade(0, want=6)  # the replica never heard of it
        assert (await one.trade(0, want=10)).grants == [10]


async def test_a_trade_that_comes_late_is_not_heeded(states: States) -> None:
    async with opened(states) as replica:
        one, two = replica("one"), replica("two")
        late = Trade("one", 1, "", 0, [Stake("p", 10, SOON, 0)])
        await one.trade(0)
        await one.trade(0, want=10)
        await one.state.trade(late)
        assert (await two.trade(0, want=1)).grants == [0]


async def test_more_than_was_granted_is_taken_from_what_follows(states: States) -> None:
    async with opened(states) as replica:
        one, two = replica("one"), replica("two")
        await one.trade(12)
        assert (await two.trade(0, want=1)).left == [0]
        await one.trade(9)
        assert (await two.trade(0, want=1)).grants == [1]


async def test_a_smaller_limit_is_in_force_at_once(states: States) -> None:
    async with opened(states) as replica:
        one = replica("one")
        await one.trade(0, want=5)
        assert (await one.trade(5, want=1, size=5)).grants == [0]
        assert (await one.trade(5, want=1, size=6)).grants == [1]


async def test_what_was_recorded_before_counts(states: States) -> None:
    async with opened(states) as replica:
        one, two = replica("one"), replica("two")
        assert (await one.trade(0, want=1, recorded=UNKNOWN)).left == [UNKNOWN]
        told = await one.trade(0, want=3, recorded=7)
        assert (told.grants, told.left) == ([3], [0])
        assert (await two.trade(0, want=1, recorded=0)).grants == [0]  # the first to tell is believed
        assert (await two.trade(0, want=1, recorded=UNKNOWN)).left == [0]


async def test_what_the_dead_held_is_free_and_what_they_took_is_taken(states: States) -> None:
    async with opened(states) as replica:
        dead, living = replica("dead"), replica("living")
        await dead.trade(0, want=10, held=True, until=0)
        await dead.trade(0, want=10, pool="q")

        async def freed() -> bool:
            return (await living.trade(0, want=1, held=True, until=0)).grants == [1]

        await until(freed)
        assert (await living.trade(0, want=1, pool="q")).grants == [0]


async def test_one_that_was_thought_dead_has_what_it_has(states: States) -> None:
    async with opened(states) as replica:
        slow, living = replica("slow"), replica("living")
        await slow.trade(0, want=9, held=True, until=0)

        async def freed() -> bool:
            return (await living.trade(0, want=2, held=True, until=0)).grants == [2]

        await until(freed)
        assert (await slow.trade(9, want=1, held=True, until=0)).grants == [0]
        assert (await living.trade(2, want=1, held=True, until=0)).grants == [0]


async def test_nobody_is_dead_where_nobody_was_heard(states: States) -> None:
    """As after a night's sleep of the machine: the first to come must not think the others dead."""
    async with opened(states) as replica:
        one, two = replica("one"), replica("two")
        await one.trade(0, want=10, held=True, until=0)
        await asyncio.sleep(1.5 * DEAD)
        assert (await two.trade(0, want=1, held=True, until=0)).grants == [0]


async def test_one_that_leaves_takes_what_it_held_and_leaves_what_it_spent(states: States) -> None:
    async with opened(states) as replica:
        one, two = replica("one"), replica("two")
        await one.trade(0, want=10)
        await one.trade(0, want=10, pool="q", held=True, until=0)
        await one.trade(6, leaving=True)
        await one.trade(0, leaving=True, pool="q", held=True, until=0)
        assert (await two.trade(0, want=5)).grants == [0]
        assert (await two.trade(0, want=4)).grants == [4]
        assert (await two.trade(0, want=10, pool="q", held=True, until=0)).grants == [10]


async def test_a_state_that_went_back_in_time_begins_anew(states: States) -> None:
    """As Redis does, restarted with an old copy: a replica has seen more than it knows."""
    async with opened(states) as replica:
        one = replica("one")
        first = await one.trade(0, want=4)
        one._seen = (first.epoch, first.count + 5)
        second = await one.trade(4, want=6)
        assert second.epoch != first.epoch
        assert (second.grants, second.count) == ([6], 1)


async def test_values_are_kept_until_their_end(states: States) -> None:
    async with opened(states) as replica:
        one, two = replica("one").state, replica("two").state
        assert await one.get("v") is None
        await one.put("v", b"\x00first", 60)
        await one.put("v", b"\x00second", 60)
        assert await two.get("v") == b"\x00second"
        await one.put("v", b"third", 0.05)

        async def ended() -> bool:
            return await two.get("v") is None

        await until(ended)


async def test_a_claim_has_one_holder(states: States) -> None:
    async with opened(states) as replica:
        one, two = replica("one").state, replica("two").state
        assert await one.claim("c", 60, "one")
        assert not await two.claim("c", 60, "two")
        assert not await one.claim("c", 60, "one")
        await two.release("c", "two")
        assert not await two.claim("c", 60, "two")
        await one.release("c", "one")
        assert await two.claim("c", 0.05, "two")

        async def ended() -> bool:
            return await one.claim("c", 60, "one")

        await until(ended)
        await two.release("c", "two")
        assert not await two.claim("c", 60, "two")


@pytest.mark.parametrize("states", ["memory", "shared"], indirect=True)
async def test_values_are_bounded_and_the_least_used_go_first(states: States) -> None:
    async with opened(states) as replica:
        state = replica("one").state
        for name in ("a", "b", "c"):
            await state.put(name, b"x" * (BOUND // 4), 60)
        assert await state.get("a") is not None
        await state.put("d", b"x" * (BOUND // 2 + 1), 60)
        assert [name for name in "abcd" if await state.get(name) is not None] == ["a", "d"]
        await state.put("e", b"x" * (BOUND + 1), 60)
        assert await state.get("e") is None
