"""The book-keeping of pools: pure, and the same wherever it is kept. `ledger.lua` says it again for Redis.

A pool never grants more than it has: its size, less what the records say, less what all replicas state they have taken.
Grants are a share of what is left, so they shrink as a pool runs dry, and little is stranded in any replica.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

import msgspec

from gateway.state.base import UNKNOWN, Deal, Stake, Trade

GRACE = 2.0
"""Seconds after which every living replica has stated what it has to a State that lost its memory."""
DEAD = 5.0
"""Seconds without a sign of life after which the units a replica held are free."""
SHARES = 8
"""A replica is granted at most this part of its even share of what is left, unless it needs more at once."""
SHARES_OF_BUDGETS = 64
"""The same for what records count, as money: what a replica had leased when it died is lost for a day or a month, not
for a minute."""
KEPT = 60.0
"""Seconds a pool that is over is kept, for replicas whose clocks are late."""


class Member(msgspec.Struct, array_like=True):
    """A replica: the number of its last trade, and when that was."""

    number: int
    heard: float


class Pool(msgspec.Struct, array_like=True):
    """`total` is the sum of `taken`, and of what was taken by replicas that left."""

    until: int
    total: int = 0
    recorded: int | None = None
    taken: dict[str, int] = msgspec.field(default_factory=dict)

    def over(self, now: float) -> bool:
        return 0 < self.until < now - KEPT


class Book(msgspec.Struct):
    """All that is known besides the pools. Without an `epoch` nothing is."""

    epoch: str = ""
    count: int = 0
    opened: float = 0.0
    heard: float = 0.0
    woken: float = 0.0
    """When a time ended in which nobody was heard: everyone seems dead then."""
    members: dict[str, Member] = msgspec.field(default_factory=dict)

    def begin(self, now: float) -> None:
        """Forget everything."""
        self.epoch, self.count, self.members = os.urandom(8).hex(), 0, {}
        self.opened = self.heard = self.woken = now

    def deal(self, trade: Trade, pools: MutableMapping[str, Pool], now: float, grace: float, dead: float) -> Deal:
        """Answer a trade. `pools` holds those the stakes name, as far as they are known; it is brought up to date."""
        if not self.epoch or (trade.epoch == self.epoch and trade.count > self.count):
            pools.clear()
            self.begin(now)
        since = now - self.opened
        wait = grace - since if 0 <= since < grace else 0.0  # a clock that was set back is not waited for
        known = self.members.get(trade.replica)
        if known is not None and trade.number <= known.number:
            return Deal(self.epoch, self.count, wait, [], [])
        if now - self.heard > dead / 2:
            self.woken = now
        self.count += 1
        self.heard = now
        self.members[trade.replica] = Member(trade.number, now)
        living = {name for name, member in self.members.items() if member.heard >= now - dead}
        deal = Deal(self.epoch, self.count, wait, [], [])
        for stake in trade.stakes:
            pool = pools.setdefault(stake.pool, Pool(stake.until))
            if stake.held and now - self.woken > dead / 2:
                _free(pool, living)
            if stake.recorded not in (None, UNKNOWN) and pool.recorded is None and not wait:
                pool.recorded = stake.recorded
            grant, left = (0, 0) if wait else _grant(pool, trade.replica, stake, len(living))
            _state(pool, trade, stake, grant)
            deal.grants.append(grant)
            deal.left.append(left)
        if trade.leaving:
            self.members[trade.replica].heard = 0.0
        return deal


def _free(pool: Pool, living: set[str]) -> None:
    """What the dead held is free."""
    for replica in pool.taken.keys() - living:
        pool.total -= pool.taken.pop(replica)


def _grant(pool: Pool, replica: str, stake: Stake, living: int) -> tuple[int, int]:
    """How many units are granted, and how many are left after that."""
    if stake.recorded is not None and pool.recorded is None:
        return 0, UNKNOWN
    taken = pool.total - pool.taken.get(replica, 0) + stake.taken
    left = max(0, stake.size - (pool.recorded or 0) - taken)
    if not stake.want or left < stake.least:
        return 0, left
    shares = SHARES if stake.recorded is None else SHARES_OF_BUDGETS
    grant = min(left, max(stake.want, left // (living * shares)))
    return grant, left - grant


def _state(pool: Pool, trade: Trade, stake: Stake, grant: int) -> None:
    """What the replica has taken is what it says, and what it is granted now."""
    taken = stake.taken + grant
    pool.total += taken - pool.taken.pop(trade.replica, 0)
    if not trade.leaving:
        pool.taken[trade.replica] = taken
    elif stake.held:
        pool.total -= taken
