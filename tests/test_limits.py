"""Limits: never passed by any number of replicas, settled for what was taken, and refused with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Literal

import pytest

from gateway.amounts import FOREVER, Allowance, Amounts
from gateway.errors import GatewayError, OverLimit, RateLimited, Unavailable
from gateway.leases import Reservation
from gateway.limits import AGAIN, BEAT, Limits
from gateway.state.base import Deal, Trade
from gateway.state.memory import MemoryState

pytestmark = pytest.mark.anyio

NOON = 1_796_040_000.0
"""2026-11-30 12:00:00 UTC, a Monday."""
CALL = Amounts(10, 100)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


class Watched(MemoryState):
    """Counts trades, takes a moment for each, and can be away."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.away = False
        self.trades: list[Trade] = []

    async def trade(self, trade: Trade) -> Deal:
        await asyncio.sleep(0)
        self.trades.append(trade)
        if self.away:
            raise Unavailable("It is away.", code="state_unavailable")
        return await super().trade(trade)


class Replicas:
    """What shares one State and one clock. `spent` is what the records say, or how they fail."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.clock = Clock()
        self.state = Watched(self.clock)
        self.spent: int | GatewayError = 0
        self.asked: list[tuple[str, float, float]] = []
        self._loops: dict[Limits, asyncio.Task[None]] = {}

    def start(self, away: Literal["refuse", "serve"] = "refuse") -> Limits:
        limits = Limits(self.state, self._spent, away, self.clock)
        self._loops[limits] = asyncio.create_task(limits.run())
        self._stack.push_async_callback(self.kill, limits)
        return limits

    async def kill(self, limits: Limits) -> None:
        """It says nothing more, and gives nothing back."""
        loop = self._loops.pop(limits, None)
        if loop is not None:
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop

    async def stop(self, limits: Limits) -> None:
        await self.kill(limits)
        await limits.close()

    async def beat(self, seconds: float = BEAT) -> None:
        """That much later, and everyone who runs has traded."""
        self.clock.now += seconds
        for limits in self._loops:
            await limits.exchange()
        self.clock.now += AGAIN  # what one gave back, another may ask for now

    def _spent(self, scope: str, since: float, until: float) -> int:
        self.asked.append((scope, since, until))
        if isinstance(self.spent, GatewayError):
            raise self.spent
        return self.spent


@asynccontextmanager
async def together() -> AsyncIterator[Replicas]:
    async with AsyncExitStack() as stack:
        yield Replicas(stack)


def key(name: str = "k", **limits: Any) -> tuple[Allowance, ...]:
    return (Allowance(f"key:{name}", **limits),)


async def admitted(limits: Limits, allowances: Sequence[Allowance], amounts: Amounts = CALL) -> Reservation | None:
    with suppress(RateLimited):
        return await limits.reserve(allowances, amounts)
    return None


async def count(limits: Limits, allowances: Sequence[Allowance], tries: int, amounts: Amounts = CALL) -> int:
    return len([1 for _ in range(tries) if await admitted(limits, allowances, amounts) is not None])


async def test_four_replicas_and_two_hundred_callers_take_what_is_allowed_and_no_more() -> None:
    async with together() as replicas:
        every = [replicas.start() for _ in range(4)]
        allowances = key(requests_per_minute=1000, tokens_per_minute=8000, budget=1_000_000)
        taken = 0

        async def caller(limits: Limits) -> None:
            nonlocal taken
            for _ in range(20):
                reservation = limits.take(allowances, CALL) or await admitted(limits, allowances)
                if reservation is not None:
                    await asyncio.sleep(0)
                    limits.settle(reservation, Amounts(8, 90))
                    taken += 8

        await asyncio.gather(*(caller(every[number % 4]) for number in range(200)))
        for _ in range(2):
            await replicas.beat()
        while await admitted(every[0], allowances, Amounts(8, 90)) is not None:
            taken += 8
        assert taken == 8000
        assert all(limits.refused for limits in every)
        assert [limits.overdrawn for limits in every] == [0, 0, 0, 0]


async def test_the_next_minute_begins_anew() -> None:
    async with together() as replicas:
        limits = replicas.start()
        assert await count(limits, key(requests_per_minute=3), 5) == 3
        replicas.clock.now += 59.9
        assert await count(limits, key(requests_per_minute=3), 5) == 0
        replicas.clock.now += 0.1
        assert await count(limits, key(requests_per_minute=3), 5) == 3


async def test_all_or_nothing() -> None:
    async with together() as replicas:
        limits = replicas.start()
        wide, narrow = key(requests_per_minute=5), (Allowance("team:web", tokens_per_minute=10),)
        assert await admitted(limits, (*wide, *narrow)) is not None
        assert await count(limits, (*wide, *narrow), 10) == 0
        replicas.clock.now += AGAIN
        assert await count(limits, wide, 10) == 4


async def test_what_was_not_used_is_given_back_once() -> None:
    async with together() as replicas:
        limits = replicas.start()
        allowances = key(tokens_per_minute=100)
        first = await limits.reserve(allowances, Amounts(tokens=100))
        assert await admitted(limits, allowances, Amounts(tokens=1)) is None
        limits.settle(first, Amounts(tokens=40))
        limits.settle(first, Amounts(tokens=40))
        replicas.clock.now += AGAIN
        assert await count(limits, allowances, 9, Amounts(tokens=10)) == 6


async def test_a_call_that_takes_more_than_it_reserved_owes_it() -> None:
    async with together() as replicas:
        one, two = replicas.start(), replicas.start()
        allowances = key(tokens_per_minute=100)
        one.settle(await one.reserve(allowances, Amounts(tokens=10)), Amounts(tokens=65))
        assert one.overdrawn == 55
        await replicas.beat()
        await replicas.beat()
        assert await count(two, allowances, 9, Amounts(tokens=10)) == 3


async def test_what_is_owed_of_a_minute_that_is_over_is_taken_from_this_one() -> None:
    async with together() as replicas:
        limits = replicas.start()
        allowances = key(tokens_per_minute=100)
        long = await limits.reserve(allowances, Amounts(tokens=100))
        replicas.clock.now += 60
        assert await count(limits, allowances, 1, Amounts(tokens=10)) == 1
        limits.settle(long, Amounts(tokens=170))
        assert await count(limits, allowances, 9, Amounts(tokens=10)) == 2


async def test_calls_at_once() -> None:
    async with together() as replicas:
        one, two = replicas.start(), replicas.start()
        allowances = key(concurrent=2)
        first = await one.reserve(allowances, CALL)
        await two.reserve(allowances, CALL)
        with pytest.raises(RateLimited, match="key k are under way as may be at once: 2") as refused:
            await one.reserve(allowances, CALL)
        assert (refused.value.code, refused.value.retry_after) == ("too_many_concurrent", 1.0)
        one.settle(first, CALL)
        assert one.take(allowances, CALL) is not None


async def test_calls_of_a_replica_that_died_are_no_longer_under_way_and_what_it_took_is_spent() -> None:
    async with together() as replicas:
        dead, living = replicas.start(), replicas.start()
        allowances = key(concurrent=3, budget=300)
        await living.reserve(allowances, Amounts(money=100))
        await dead.reserve(allowances, Amounts(money=100))
        await dead.reserve(allowances, Amounts(money=0))
        assert await admitted(living, allowances, Amounts()) is None
        await replicas.kill(dead)
        for _ in range(11):
            await replicas.beat()
        assert await count(living, allowances, 9, Amounts(money=50)) == 2


async def test_a_replica_gives_back_what_it_does_not_need() -> None:
    async with together() as replicas:
        one, two = replicas.start(), replicas.start()
        allowances = key(requests_per_minute=800)
        assert await count(one, allowances, 5) == 5
        for _ in range(2):
            await replicas.beat()
        assert await count(two, allowances, 800) == 795


async def test_what_was_given_back_in_vain_is_given_back_again() -> None:
    async with together() as replicas:
        one, two = replicas.start(), replicas.start()
        allowances = key(requests_per_minute=800)
        assert await count(one, allowances, 5) == 5
        replicas.state.away = True
        for _ in range(3):
            await replicas.beat()
        replicas.state.away = False
        await replicas.beat()
        assert await count(two, allowances, 800) == 795


async def test_a_replica_that_leaves_gives_everything_back_at_once() -> None:
    async with together() as replicas:
        one, two = replicas.start(), replicas.start()
        allowances = key(requests_per_minute=800, concurrent=800)
        assert await count(one, allowances, 5) == 5
        await replicas.stop(one)
        assert await count(two, allowances, 800) == 795


async def test_many_limits_are_told_in_several_trades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.leases.MOST_STAKES", 7)
    async with together() as replicas:
        one, two = replicas.start(), replicas.start()
        keys = [key(f"k{number}", requests_per_minute=80) for number in range(50)]
        assert None not in await asyncio.gather(*(admitted(one, allowances) for allowances in keys))
        await replicas.stop(one)
        assert [await count(two, allowances, 80) for allowances in keys] == [79] * 50
        assert max(len(trade.stakes) for trade in replicas.state.trades) == 7


async def test_callers_that_wait_share_a_round_trip() -> None:
    async with together() as replicas:
        limits = replicas.start()
        await limits.exchange()
        before = len(replicas.state.trades)
        allowances = key(requests_per_minute=40)
        found = await asyncio.gather(*(admitted(limits, allowances) for _ in range(200)))
        assert len([one for one in found if one is not None]) == 40
        assert len(replicas.state.trades) - before == 1


async def test_calls_need_no_round_trip_of_their_own() -> None:
    async with together() as replicas:
        limits = replicas.start()
        assert await count(limits, key(requests_per_minute=100_000), 3000) == 3000
        assert len(replicas.state.trades) < 10


async def test_a_limit_that_is_known_to_be_reached_refuses_without_asking_again() -> None:
    async with together() as replicas:
        limits = replicas.start()
        assert await count(limits, key(requests_per_minute=1), 1) == 1
        assert await admitted(limits, key(requests_per_minute=1)) is None
        before = len(replicas.state.trades)
        assert await count(limits, key(requests_per_minute=1), 100) == 0
        assert len(replicas.state.trades) == before


async def test_refusals_say_which_limit_and_when_to_come_again() -> None:
    async with together() as replicas:
        replicas.clock.now += 18.4
        limits = replicas.start()
        assert await count(limits, key(requests_per_minute=2), 2) == 2
        with pytest.raises(RateLimited) as refused:
            await limits.reserve(key(requests_per_minute=2), CALL)
        assert refused.value.message == (
            "The limit of the key k is reached: 2 requests a minute. Try again at 2026-11-30 12:01:00 UTC, in 42 s."
        )
        assert (refused.value.code, refused.value.retry_after) == ("rate_limit_exceeded", 42.0)
        assert refused.value.retryable


async def test_a_call_larger_than_a_limit_is_refused_for_good() -> None:
    async with together() as replicas:
        limits = replicas.start()
        with pytest.raises(OverLimit, match="may take 101 tokens, more than the key k may in all") as refused:
            await limits.reserve(key(tokens_per_minute=100), Amounts(tokens=101))
        assert refused.value.code == "rate_limit_exceeded"
        assert not refused.value.retryable


async def test_a_budget_counts_what_the_records_say_and_asks_them_once() -> None:
    async with together() as replicas:
        replicas.spent = 700
        one, two = replicas.start(), replicas.start()
        allowances = key(budget=1000)
        assert await count(one, allowances, 2, Amounts(money=100)) == 2
        await replicas.beat()
        assert await count(two, allowances, 9, Amounts(money=100)) == 1
        assert replicas.asked == [("key:k", 1_793_491_200, 1_796_083_200)]
        with pytest.raises(OverLimit, match="The budget of the key k has too little left") as refused:
            await two.reserve(allowances, Amounts(money=100))
        assert "$0.001, renewed at 2026-12-01 00:00:00 UTC" in refused.value.message
        assert (refused.value.code, refused.value.status, refused.value.retryable) == ("insufficient_quota", 429, False)
        assert await admitted(two, allowances, Amounts(money=0)) is not None  # what costs nothing needs no budget


async def test_a_budget_is_not_spent_where_the_records_do_not_answer() -> None:
    async with together() as replicas:
        replicas.spent = Unavailable("The database is away.")
        limits = replicas.start()
        with pytest.raises(Unavailable) as refused:
            await limits.reserve(key(budget=1000), CALL)
        assert refused.value.code == "limits_unavailable"
        assert await admitted(limits, key("other", requests_per_minute=1)) is not None
        replicas.spent = 1000
        assert await admitted(limits, key(budget=1000)) is None
        replicas.clock.now += AGAIN
        assert await admitted(limits, key(budget=1000)) is None


async def test_a_defect_of_the_records_refuses_and_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    async with together() as replicas:
        limits = replicas.start()
        limits._spent = lambda *_: 1 // 0
        with pytest.raises(Unavailable):
            await limits.reserve(key(budget=1000), CALL)
        assert "defect while asking what budgets have spent" in caplog.text
        limits._spent = lambda *_: 900
        assert await count(limits, key(budget=1000), 3) == 1


async def test_a_budget_in_total_counts_everything_for_good() -> None:
    async with together() as replicas:
        replicas.spent = 100
        limits = replicas.start()
        assert await count(limits, key(budget=300, budget_period="total"), 9) == 2
        assert replicas.asked == [("key:k", 0, FOREVER)]
        await replicas.beat(400 * 86400)
        with pytest.raises(OverLimit, match=r"\(\$0\.0003\)"):
            await limits.reserve(key(budget=300, budget_period="total"), CALL)


async def test_a_budget_of_the_next_month_is_another() -> None:
    async with together() as replicas:
        limits = replicas.start()
        assert await count(limits, key(budget=200), 9) == 2
        replicas.clock.now += 86400
        assert await count(limits, key(budget=200), 9) == 2


async def test_while_the_state_is_away_calls_are_refused_without_waiting_and_then_served_again() -> None:
    async with together() as replicas:
        limits = replicas.start()
        allowances = key(requests_per_minute=10)
        await limits.reserve(allowances, CALL)
        replicas.state.away = True
        replicas.clock.now += 5
        for _ in range(3):
            with pytest.raises(Unavailable) as refused:
                await limits.reserve(allowances, CALL)
            assert (refused.value.code, refused.value.retryable) == ("limits_unavailable", True)
        assert (limits.unavailable, limits.state_failures, limits.fault) == (3, 1, "It is away.")
        replicas.state.away = False
        await replicas.beat()
        assert limits.fault is None
        assert await count(limits, allowances, 20) == 9


async def test_while_the_state_is_away_calls_can_be_served_and_are_counted_afterwards() -> None:
    async with together() as replicas:
        limits, other = replicas.start("serve"), replicas.start()
        allowances = key(requests_per_minute=10, concurrent=20)
        replicas.state.away = True
        served = [await limits.reserve(allowances, CALL) for _ in range(8)]
        assert limits.unchecked == 8
        for reservation in served:
            limits.settle(reservation, CALL)
        assert limits.overdrawn == 0
        replicas.state.away = False
        await replicas.beat()
        await replicas.beat()
        assert await count(other, allowances, 9) == 2


async def test_leases_are_not_spent_by_a_replica_that_was_not_heard_for_long() -> None:
    async with together() as replicas:
        limits = replicas.start()
        allowances = key(requests_per_minute=10_000)
        await limits.reserve(allowances, CALL)
        assert limits.take(allowances, CALL) is not None
        replicas.clock.now += 2
        assert limits.take(allowances, CALL) is None
        await limits.exchange()
        assert limits.take(allowances, CALL) is not None


async def test_a_caller_that_leaves_while_it_waits_takes_nothing() -> None:
    async with together() as replicas:
        limits = replicas.start()
        allowances = key(tokens_per_minute=10, concurrent=1)
        leaving = asyncio.create_task(limits.reserve(allowances, CALL))
        for _ in range(20):
            leaving.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await leaving
        late = asyncio.create_task(limits.reserve(allowances, CALL))
        await asyncio.sleep(0)
        await limits.exchange()
        late.cancel()  # its reservation is made, and it has not heard of it
        with pytest.raises(asyncio.CancelledError):
            await late
        assert await admitted(limits, allowances) is not None


async def test_a_clock_that_is_set_back_stops_nothing() -> None:
    async with together() as replicas:
        one, two = replicas.start(), replicas.start()
        allowances = key(budget=200, budget_period="total")
        under_way = [await one.reserve(allowances, CALL) for _ in range(2)]
        assert await admitted(two, allowances) is None
        replicas.clock.now -= 3600
        for reservation in under_way:
            one.settle(reservation, Amounts(money=0))
        for _ in range(2):
            await replicas.beat()
        assert await count(two, allowances, 9) == 2


async def test_an_allowance_without_limits_needs_no_state() -> None:
    async with together() as replicas:
        limits = replicas.start()
        replicas.state.away = True
        assert await admitted(limits, key()) is not None
        assert await admitted(limits, ()) is not None


async def test_a_changed_limit_is_in_force_at_once() -> None:
    async with together() as replicas:
        limits = replicas.start()
        assert await count(limits, key(requests_per_minute=5), 9) == 5
        assert await count(limits, key(requests_per_minute=8), 9) == 3
        assert await count(limits, key(requests_per_minute=2), 9) == 0
        assert await count(limits, key(), 9) == 9


async def test_what_nobody_uses_is_forgotten() -> None:
    async with together() as replicas:
        limits = replicas.start()
        for number in range(50):
            limits.settle(await limits.reserve(key(f"k{number}", requests_per_minute=5, concurrent=5), CALL), CALL)
        held = await limits.reserve(key("held", concurrent=5), CALL)
        for _ in range(3):
            await replicas.beat(60)
        assert [lease.name for lease in limits._leases._all.values()] == ["key:held/concurrent/total"]
        assert held.leases[0].flying == 1
