"""The ledger: never over a pool's size whatever is lost, late, dead or forgotten; and the same in Redis' script."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.state.base import UNKNOWN, Deal, Stake, Trade
from gateway.state.ledger import DEAD, GRACE, KEPT, Book, Pool
from gateway.state.redis import RedisState
from tests.state.servers import Valkey

SIZE = 60
UNTIL = 2_000_000_000


class Replica:
    """What one replica believes: it has `taken` from the pool, of which `free` is not spent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.numbers = count(1)
        self.seen = ("", 0)
        self.taken = 0
        self.free = 0
        self.noted = 0
        """What the ledger has noted as taken: more than `taken` after a reply that was lost."""

    def trade(self, want: int, held: bool, leaving: bool = False) -> Trade:
        stake = Stake("p", SIZE, 0 if held else UNTIL, self.taken, want, min(want, 1), held)
        return Trade(self.name, next(self.numbers), *self.seen, [stake], leaving)

    def hear(self, deal: Deal) -> None:
        self.seen = (deal.epoch, deal.count)
        self.taken += deal.grants[0]
        self.free += deal.grants[0]


class Pooling(RuleBasedStateMachine):
    """Replicas of one pool on one ledger."""

    held = False

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.pools: dict[str, Pool] = {}
        self.now = 1_000_000.0
        self.names = count(1)
        self.living: list[Replica] = []
        self.gone = 0
        """Spent by those that are no more."""
        self.sent: list[Trade] = []

    @initialize()
    def begin(self) -> None:
        self.join()
        self.pass_time(2 * GRACE)

    def deliver(self, replica: Replica, want: int = 0, leaving: bool = False) -> Deal:
        trade = replica.trade(want, self.held, leaving)
        self.sent.append(trade)
        deal = self.book.deal(trade, self.pools, self.now, GRACE, DEAD)
        replica.noted = replica.taken + deal.grants[0]
        return deal

    @precondition(lambda self: len(self.living) < 4)
    @rule()
    def join(self) -> None:
        self.living.append(Replica(f"r{next(self.names)}"))
        self.beat()

    @rule(data=st.data(), want=st.integers(0, SIZE), lost=st.booleans())
    def ask(self, data: st.DataObject, want: int, lost: bool) -> None:
        replica = data.draw(st.sampled_from(self.living))
        deal = self.deliver(replica, want)
        if not lost:
            replica.hear(deal)

    @rule(data=st.data(), units=st.integers(0, SIZE))
    def spend(self, data: st.DataObject, units: int) -> None:
        replica = data.draw(st.sampled_from(self.living))
        replica.free -= min(units, replica.free)

    @rule(data=st.data(), units=st.integers(0, SIZE))
    def give_back(self, data: st.DataObject, units: int) -> None:
        replica = data.draw(st.sampled_from(self.living))
        idle = min(units, replica.taken if self.held else replica.free)
        replica.taken -= idle
        replica.free = max(0, replica.free - idle)
        replica.hear(self.deliver(replica))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def come_late(self, data: st.DataObject) -> None:
        self.book.deal(data.draw(st.sampled_from(self.sent)), self.pools, self.now, GRACE, DEAD)

    @precondition(lambda self: len(self.living) > 1)
    @rule(data=st.data(), leaving=st.booleans())
    def end(self, data: st.DataObject, leaving: bool) -> None:
        """Killed, or stopped: what it spent is spent, what it held is free."""
        replica = data.draw(st.sampled_from(self.living))
        self.living.remove(replica)
        if leaving:
            replica.taken = 0 if self.held else replica.taken - replica.free
            self.deliver(replica, leaving=True)
        self.gone += replica.noted

    @rule()
    def forget(self) -> None:
        """As a Redis that was emptied. What the dead spent is known to nobody."""
        self.book, self.pools, self.gone, self.sent = Book(), {}, 0, []
        self.living[-1].hear(self.deliver(self.living[-1], SIZE))
        self.pass_time(GRACE / 2)
        self.pass_time(GRACE)

    @rule(seconds=st.floats(0.1, DEAD / 4))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.beat()

    @rule()
    def outlive(self) -> None:
        for _ in range(12):
            self.pass_time(DEAD / 8)
        if self.held:
            self.gone = 0

    def beat(self) -> None:
        for replica in self.living:
            replica.hear(self.deliver(replica))

    @invariant()
    def never_over(self) -> None:
        assert sum(replica.taken for replica in self.living) + (0 if self.held else self.gone) <= SIZE

    def teardown(self) -> None:
        """All given back is all there, but for what was spent."""
        if not self.living:
            return
        for replica in self.living:
            replica.taken = 0 if self.held else replica.taken - replica.free
            replica.free = 0
        self.outlive()
        spent = sum(replica.taken for replica in self.living) + self.gone
        deal = self.deliver(self.living[0], SIZE)
        assert deal.grants == [SIZE - spent]


class Holding(Pooling):
    held = True


TestPooling = Pooling.TestCase
TestHolding = Holding.TestCase
TestPooling.settings = TestHolding.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

STAKES = st.builds(
    Stake,
    pool=st.sampled_from(["a", "b", "c"]),
    size=st.integers(0, 10**15),
    until=st.sampled_from([0, UNTIL]),
    taken=st.integers(0, 10**15),
    want=st.integers(0, 10**15) | st.integers(0, 3),
    least=st.integers(1, 10**15) | st.integers(1, 3),
    recorded=st.sampled_from([None, UNKNOWN, 0, 5, 10**12]),
)


def tried(stakes: list[Stake]) -> list[Stake]:
    """Each pool once; the pool "c" is of what is held."""
    found = {stake.pool: stake for stake in stakes}
    if "c" in found:
        one = found["c"]
        found["c"] = Stake("c", one.size, 0, one.taken, one.want, one.least, True)
    return list(found.values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(trades=st.lists(st.tuples(st.sampled_from("xyz"), st.lists(STAKES, max_size=4), st.booleans()), max_size=12))
def test_the_script_deals_as_the_ledger_does(valkey: Valkey, trades: list[tuple[str, list[Stake], bool]]) -> None:
    valkey.command("FLUSHALL")

    async def compare() -> None:
        state, book, pools = RedisState(valkey.url, 5.0, 0.0, 1000.0), Book(), dict[str, Pool]()
        numbers = count(1)
        try:
            for replica, stakes, leaving in trades:
                trade = Trade(replica, next(numbers), "", 0, tried(stakes), leaving)
                theirs = await state.trade(trade)
                ours = book.deal(trade, pools, 1e6, 0.0, 1000.0)
                assert (theirs.count, theirs.wait) == (ours.count, ours.wait)
                assert (theirs.grants, theirs.left) == (ours.grants, ours.left)
        finally:
            await state.close()

    asyncio.run(compare())


def deal(book: Book, pools: dict[str, Pool], number: int, now: float, **stake: Any) -> Deal:
    only = Stake(**{"pool": "p", "size": SIZE, "until": UNTIL, "taken": 0, "want": SIZE, "least": 1, **stake})
    return book.deal(Trade("r", number, "", 0, [only]), pools, now, GRACE, DEAD)


def test_nothing_is_granted_until_everyone_can_have_said_what_he_has() -> None:
    book, pools = Book(), dict[str, Pool]()
    first = deal(book, pools, 1, 100.0)
    assert (first.wait, first.grants, first.left) == (GRACE, [0], [0])
    assert deal(book, pools, 2, 100.0 + GRACE / 2).grants == [0]
    last = deal(book, pools, 3, 100.0 + GRACE)
    assert (last.wait, last.grants) == (0, [SIZE])


def test_what_the_records_say_is_not_believed_before_that() -> None:
    """It may lack what is still on its way to them."""
    book, pools = Book(), dict[str, Pool]()
    deal(book, pools, 1, 100.0, recorded=10)
    assert deal(book, pools, 2, 100.0 + GRACE, recorded=UNKNOWN).left == [UNKNOWN]
    assert deal(book, pools, 3, 100.0 + GRACE, recorded=20).grants == [SIZE - 20]


@pytest.mark.parametrize(("until", "over"), [(0, False), (1000, True), (2000, False)])
def test_pools_end_some_time_after_their_period(until: int, over: bool) -> None:
    assert Pool(until).over(1001.0 + KEPT) is over


def test_a_replica_that_left_is_not_counted_among_the_living() -> None:
    book, pools = Book(), dict[str, Pool]()
    deal(book, pools, 1, 100.0, want=0)
    book.deal(Trade("gone", 1, "", 0, []), pools, 101.0, GRACE, DEAD)
    book.deal(Trade("gone", 2, "", 0, [], True), pools, 101.0, GRACE, DEAD)
    assert deal(book, pools, 2, 104.0, size=800, want=1).grants == [100]
