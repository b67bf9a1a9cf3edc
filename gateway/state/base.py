"""The port to what replicas share: limits leased in blocks, and small values that end by themselves.

Limits are pools of units. A replica takes a block of a pool, spends it alone, and trades again when it runs dry. In
each trade it *states* all it has taken of a pool, and the State takes its word for it: a reply that was lost, a State
that forgot, and a replica that was thought dead all mend themselves with the next trade. `gateway.state.ledger` is the
book-keeping, `gateway.limits` the other side of it.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

UNKNOWN = -1


class Stake(msgspec.Struct, frozen=True, gc=False):
    """What a replica has of one pool, and what it lacks.

    `until` is the Unix time at which the pool is over, 0 for never. `held` units are in use for a while and come back,
    and those of a replica that died are free again; what was taken of any other pool stays taken.
    `recorded` is what the records say was spent of the pool before the State knew it: None where records do not count,
    `UNKNOWN` where they do and have not been asked.
    `taken` is all the replica has taken and not given back, spent or not. It wants `want` units more; fewer than
    `least` are of no use to it.
    """

    pool: str
    size: int
    until: int
    taken: int
    want: int = 0
    least: int = 0
    held: bool = False
    recorded: int | None = None


class Trade(msgspec.Struct, frozen=True):
    """One round trip of a replica, and a sign of life. `number` grows by each trade of a replica: one that comes late,
    after it was given up, is not heeded. `epoch` and `count` are those of the last deal, "" and 0 before the first.
    `leaving` says that the replica will not come back."""

    replica: str
    number: int
    epoch: str
    count: int
    stakes: list[Stake]
    leaving: bool = False


class Deal(msgspec.Struct, frozen=True):
    """The State's answer. `grants` and `left` are in the order of the stakes: units granted, and units left in the pool
    after that; `UNKNOWN` where the records must be asked first.

    A new `epoch` says that the State has lost what it knew: each replica must state everything it has, and nothing is
    granted for the `wait` seconds that takes. `count` numbers the trades of the epoch."""

    epoch: str
    count: int
    wait: float
    grants: list[int]
    left: list[int]


class State(Protocol):
    """Memory, a file of the processes on one machine, or Redis; all the methods raise `Unavailable` when it cannot be
    reached within its time-out."""

    async def trade(self, trade: Trade) -> Deal: ...

    async def get(self, name: str) -> bytes | None:
        """The value under `name`, unless it has ended or was pushed out by others."""
        ...

    async def put(self, name: str, value: bytes, ttl: float) -> None:
        """Keep `value` for at most `ttl` seconds."""
        ...

    async def claim(self, name: str, ttl: float, holder: str) -> bool:
        """Whether `holder` now has the claim: nobody had it, or it had ended. It ends by itself after `ttl` seconds."""
        ...

    async def release(self, name: str, holder: str) -> None:
        """Give the claim up, where `holder` still has it."""
        ...

    async def close(self) -> None: ...
