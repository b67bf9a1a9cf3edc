"""The State of a gateway that is one process: everything in its memory, and gone with it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from gateway.state.base import Deal, Trade
from gateway.state.ledger import DEAD, KEPT, Book, Pool

BYTES = 64 * 1024 * 1024
"""Most bytes of values kept; the one not asked for longest goes first."""


class MemoryState:
    """Belongs to one event loop. `clock` gives Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time, bound: int = BYTES, dead: float = DEAD) -> None:
        self._clock = clock
        self._dead = dead
        self._book = Book()
        self._pools: dict[str, Pool] = {}
        self._swept = 0.0
        self._values: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0
        self._bound = bound
        self._claims: dict[str, tuple[str, float]] = {}

    async def trade(self, trade: Trade) -> Deal:
        now = self._clock()
        if now - self._swept > KEPT:
            self._sweep(now)
        return self._book.deal(trade, self._pools, now, 0.0, self._dead)

    async def get(self, name: str) -> bytes | None:
        found = self._values.get(name)
        if found is None:
            return None
        value, end = found
        if end <= self._clock():
            self._drop(name)
            return None
        self._values.move_to_end(name)
        return value

    async def put(self, name: str, value: bytes, ttl: float) -> None:
        self._drop(name)
        self._values[name] = (value, self._clock() + ttl)
        self._bytes += len(value)
        while self._bytes > self._bound:
            self._drop(next(iter(self._values)))

    async def claim(self, name: str, ttl: float, holder: str) -> bool:
        now = self._clock()
        if name in self._claims and self._claims[name][1] > now:
            return False
        self._claims[name] = (holder, now + ttl)
        return True

    async def release(self, name: str, holder: str) -> None:
        if self._claims.get(name, ("",))[0] == holder:
            del self._claims[name]

    async def close(self) -> None:
        pass

    def _drop(self, name: str) -> None:
        value, _ = self._values.pop(name, (b"", 0.0))
        self._bytes -= len(value)

    def _sweep(self, now: float) -> None:
        self._swept = now
        self._pools = {name: pool for name, pool in self._pools.items() if not pool.over(now)}
        self._claims = {name: claim for name, claim in self._claims.items() if claim[1] > now}
