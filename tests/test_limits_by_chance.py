"""Replicas whose calls, trades, lost replies and deaths come in any order: a budget is never passed, nor calls at once;
and when all have left, what was not spent is there for another."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.amounts import Allowance, Amounts
from gateway.errors import RateLimited, Unavailable
from gateway.leases import Reservation
from gateway.limits import Limits
from gateway.state.base import Deal, Trade
from gateway.state.memory import MemoryState

BUDGET, AT_ONCE = 200, 6
ALLOWANCES = (Allowance("key:k", budget=BUDGET, budget_period="total"), Allowance("team:t", concurrent=AT_ONCE))

Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["call", "call", "call", "settle", "settle", "trade", "lose", "beat", "die"]),
        st.integers(0, 2),
        st.integers(0, 60),
    ),
    max_size=60,
)


class Lossy(MemoryState):
    """Hears a trade, and may lose the reply."""

    loses = False

    async def trade(self, trade: Trade) -> Deal:
        deal = await super().trade(trade)
        if self.loses:
            raise Unavailable("The reply is lost.", code="state_unavailable")
        return deal


@dataclass
class Call:
    """Let through by a replica; `most` is what it reserved."""

    limits: Limits
    reservation: Reservation
    most: int


@dataclass
class World:
    now: float = 1_800_000_000.0
    spent: int = 0
    under_way: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = Lossy(lambda: self.now)
        self.living = [self.join() for _ in range(3)]

    def join(self) -> Limits:
        return Limits(self.state, lambda *_: 0, clock=lambda: self.now)

    async def step(self, what: str, who: int, units: int) -> None:
        limits = self.living[who % len(self.living)]
        if what == "call":
            await self.call(limits, units)
        elif what == "settle" and self.under_way:
            call = self.under_way.pop(who % len(self.under_way))
            used = min(units, call.most)
            self.spent += used
            call.limits.settle(call.reservation, Amounts(money=used))
        elif what == "trade":
            await limits.exchange()
        elif what == "lose":
            self.state.loses = True
            await limits.exchange()
            self.state.loses = False
        elif what == "beat":
            await self.beat()
        elif what == "die" and len(self.living) > 1:
            self.living.remove(limits)
            dead = [call for call in self.under_way if call.limits is limits]
            self.spent += sum(call.most for call in dead)
            self.under_way = [call for call in self.under_way if call.limits is not limits]

    async def call(self, limits: Limits, units: int) -> None:
        amounts = Amounts(money=units)
        asking = asyncio.create_task(limits.reserve(ALLOWANCES, amounts))
        while not asking.done():
            await asyncio.sleep(0.001 if limits._unknown else 0)  # the records are asked in a thread
            await limits.exchange()
        with suppress(RateLimited, Unavailable):
            self.under_way.append(Call(limits, await asking, units))

    async def beat(self) -> None:
        self.now += 0.5
        for limits in self.living:
            await limits.exchange()

    def check(self) -> None:
        assert self.spent + sum(call.most for call in self.under_way) <= BUDGET
        assert len(self.under_way) <= AT_ONCE


async def live(steps: list[Step]) -> None:
    world = World()
    for step in steps:
        await world.step(*step)
        world.check()
    died = len(world.living) < 3
    while world.under_way:
        await world.step("settle", 0, 10)
    for limits in world.living:
        await limits.close()
    heir = world.join()
    world.living = [heir]
    for _ in range(12):
        await world.beat()
    rest = BUDGET - world.spent
    await world.call(heir, rest)
    assert died or [call.most for call in world.under_way] == [rest]
    for _ in range(AT_ONCE):
        await world.call(heir, 0)
    assert len(world.under_way) == AT_ONCE
    await heir.close()


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_no_limit_is_passed_and_nothing_is_lost(steps: list[Step]) -> None:
    asyncio.run(live(steps))
