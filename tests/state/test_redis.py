"""Redis on its bad days: dead, slow, emptied, or back with an old copy. No limit is passed, and it recovers alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

import pytest

from gateway.amounts import Allowance, Amounts
from gateway.errors import RateLimited, Unavailable
from gateway.limits import Limits
from gateway.state.base import Stake, Trade
from gateway.state.redis import RedisState
from tests.state.servers import Valkey
from tests.waiting import until

pytestmark = pytest.mark.anyio

BUDGET = 300
KEY = (Allowance("key:k", budget=BUDGET, concurrent=100),)
ONE = Amounts(tokens=1, money=1)
PATIENCE, GRACE = 0.15, 0.4


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the product's times, in the same proportions."""
    monkeypatch.setattr("gateway.limits.BEAT", 0.05)
    monkeypatch.setattr("gateway.limits.VALID", 0.3)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Valkey]:
    """A server of this test's own, which it may kill."""
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.kill()


class Replicas:
    """Two gateways on one Redis, whose records know at once what was settled."""

    def __init__(self, states: list[RedisState], away: Literal["refuse", "serve"]) -> None:
        self.spent = 0
        self.every = [Limits(state, lambda *_: self.spent, away) for state in states]

    async def call(self, limits: Limits) -> bool:
        """Whether a call was served."""
        try:
            reservation = limits.take(KEY, ONE) or await limits.reserve(KEY, ONE)
        except (RateLimited, Unavailable):
            return False
        await asyncio.sleep(0.001)
        self.spent += 1
        limits.settle(reservation, ONE)
        return True

    async def calls(self, limits: Limits, tries: int) -> int:
        return len([1 for _ in range(tries) if await self.call(limits)])

    async def exhaust(self) -> None:
        """Callers at every replica, until nothing has been served for a while."""

        async def caller(limits: Limits) -> None:
            vain = 0
            while vain < 60:
                vain = 0 if await self.call(limits) else vain + 1
                await asyncio.sleep(0.02 if vain else 0)

        await asyncio.gather(*(caller(limits) for limits in self.every for _ in range(5)))


@asynccontextmanager
async def two(server: Valkey, away: Literal["refuse", "serve"] = "refuse") -> AsyncIterator[Replicas]:
    states = [RedisState(server.url, PATIENCE, GRACE) for _ in range(2)]
    replicas = Replicas(states, away)
    loops = [asyncio.create_task(limits.run()) for limits in replicas.every]
    try:
        await until(lambda: replicas.call(replicas.every[0]))
        yield replicas
    finally:
        for loop in loops:
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop
        for state in states:
            await state.close()


async def refused(replicas: Replicas) -> bool:
    return not await replicas.call(replicas.every[0])


async def test_all_is_spent_and_no_more(own: Valkey) -> None:
    async with two(own) as replicas:
        await replicas.exhaust()
        assert replicas.spent == BUDGET


async def test_dead_calls_are_refused_and_counted_and_it_recovers_alone(own: Valkey) -> None:
    async with two(own) as replicas:
        limits = replicas.every[0]
        await replicas.calls(limits, 20)
        own.kill()
        await until(lambda: refused(replicas))
        with pytest.raises(Unavailable) as told:
            await limits.reserve(KEY, ONE)
        assert told.value.code == "limits_unavailable"
        assert limits.unavailable >= 2
        assert limits.state_failures >= 1
        own.start()
        await replicas.exhaust()
        assert replicas.spent == BUDGET


async def test_dead_calls_are_served_and_counted_where_that_is_declared(own: Valkey) -> None:
    async with two(own, "serve") as replicas:
        limits = replicas.every[0]
        own.kill()

        async def unchecked() -> bool:
            assert await replicas.call(limits)
            return limits.unchecked > 0

        await until(unchecked)
        own.start()
        await replicas.exhaust()  # which ends where calls are refused
        assert limits.unavailable == 0
        assert replicas.spent > BUDGET - 100


async def test_slow_it_is_waited_for_once_and_not_by_each_call(own: Valkey) -> None:
    async with two(own) as replicas:
        limits = replicas.every[0]
        own.pause()
        await until(lambda: refused(replicas))
        failures = limits.state_failures
        for _ in range(200):  # one time-out each would outlast the test's patience
            with pytest.raises(Unavailable):
                await limits.reserve(KEY, ONE)
        assert limits.state_failures <= failures + 1
        own.resume()
        await replicas.exhaust()
        assert replicas.spent == BUDGET


async def test_emptied_what_was_leased_before_does_not_add_up_to_more(own: Valkey) -> None:
    async with two(own) as replicas:
        for limits in replicas.every:
            await replicas.calls(limits, 60)
        under_way = [await limits.reserve(KEY, ONE) for limits in replicas.every for _ in range(10)]
        own.command("FLUSHALL")
        await replicas.exhaust()
        # what was spent while it was told is counted twice: by the replicas, and by the records
        assert BUDGET - 100 < replicas.spent <= BUDGET - 20
        for number, reservation in enumerate(under_way):
            replicas.every[number // 10].settle(reservation, ONE)


async def test_back_with_an_old_copy_what_was_leased_since_does_not_add_up_to_more(own: Valkey) -> None:
    async with two(own) as replicas:
        for limits in replicas.every:
            await replicas.calls(limits, 20)
        assert own.command("SAVE").startswith(b"+OK")
        for limits in replicas.every:
            await replicas.calls(limits, 60)
        own.kill()
        own.start()
        await replicas.exhaust()
        assert BUDGET - 100 < replicas.spent <= BUDGET


async def test_a_pool_is_kept_where_the_clock_of_a_replica_is_late(valkey: Valkey) -> None:
    state = RedisState(valkey.url, 5.0, 0.0)
    past = Stake("p", 10, 1000, 0, 10, 1)
    assert (await state.trade(Trade("one", 1, "", 0, [past]))).grants == [10]
    assert (await state.trade(Trade("two", 1, "", 0, [past]))).grants == [0]
    await state.close()


async def test_a_url_that_leads_nowhere_says_so(own: Valkey) -> None:
    own.kill()
    state = RedisState(own.url)
    with pytest.raises(Unavailable, match="Redis does not answer") as refused:
        await state.get("v")
    assert refused.value.code == "state_unavailable"
    await state.close()


async def test_no_answer_in_time_says_so(own: Valkey) -> None:
    state = RedisState(own.url, PATIENCE)
    assert await state.get("v") is None
    own.pause()
    with pytest.raises(Unavailable, match=r"no answer in 0.15 s"):
        await state.get("v")
    own.resume()
    await state.put("v", b"after", 60)
    assert await state.get("v") == b"after"
    await state.close()
