"""Retention: what is old enough goes, a little at a time, so that nothing else waits for it."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.amounts import DAY
from gateway.errors import Conflict, GatewayError
from gateway.store import leases, retention
from gateway.store.engine import Store

log = logging.getLogger(__name__)

FIRST = 60.0
EVERY = 3600.0
LEASE = "retention"
LEASED = 60.0
"""Seconds for which the lease is taken, anew with every step; much longer than a step takes. Were two to sweep at once
all the same, they would only share the work."""
TARGET = 0.02
"""Seconds a step should take: so long does a writer wait for it at most, where the database has one lock."""
SMALLEST, FIRST_STEP, LARGEST = 50, 500, 5000
REST = 4.0
"""How much longer than a step the pause after it is: four fifths of the time belong to everything else."""


@dataclass(frozen=True, slots=True)
class Step:
    """One short transaction: how many rows of a class it removed, how much of the class is gone through (from 0 to 1),
    and how long to rest before the next."""

    of: str
    removed: int
    share: float
    rest: float


@dataclass(frozen=True, slots=True)
class Due:
    """What a pass over a class would do."""

    of: str
    removed: int
    held: int


class Sweep:
    """One pass over every class that is not kept for ever, in steps. It holds the lease while it goes on.

    Raises `Conflict` where another process does the same, and `Unavailable` when the database is dead.
    """

    def __init__(self, store: Store, ages: Mapping[str, int]) -> None:
        self._store = store
        self._ages = ages
        self._holder = f"{os.getpid()}-{os.urandom(8).hex()}"

    def steps(self) -> Iterator[Step]:
        """Take the steps; the caller rests between them. Where it does not come to the end, the lease runs out."""
        for of in retention.CLASSES:
            if of.name in self._ages:
                yield from self._through(of)
        with self._store.begin() as connection:
            leases.give_back(connection, LEASE, self._holder)

    def due(self) -> list[Due]:
        """What the steps would do, without doing it."""
        found = []
        now = time.time()
        with self._store.begin() as connection:
            for of in retention.CLASSES:
                if of.name in self._ages:
                    span = retention.due(connection, of, self._ages[of.name], now)
                    found.append(Due(of.name, *(retention.count(connection, of, span) if span is not None else (0, 0))))
        return found

    def _through(self, of: retention.DataClass) -> Iterator[Step]:
        with self._store.begin() as connection:
            whole = left = retention.due(connection, of, self._ages[of.name], time.time())
        most = FIRST_STEP
        while whole is not None and left is not None:
            began = time.perf_counter()
            with self._store.begin() as connection:
                if not leases.take(connection, LEASE, self._holder, LEASED):
                    raise Conflict("Another process removes what is old; try again when it is done.")
                removed, left = retention.remove(connection, of, left, most)
            took = time.perf_counter() - began
            share = 1.0 if left is None else (left.start - whole.start) / (whole.end - whole.start)
            yield Step(of.name, removed, share, REST * took)
            most = min(LARGEST, max(SMALLEST, round(most * min(2.0, TARGET / took))))


class Retention:
    """A supervised loop: a pass each hour, by one process of the installation at a time."""

    def __init__(self, store: Store, ages: Mapping[str, int]) -> None:
        self._store = store
        self._ages = ages
        self.removed: Counter[str] = Counter()
        """Rows removed by this process, by class."""
        self.failures = 0

    async def run(self) -> None:
        pause = FIRST
        while True:
            await asyncio.sleep(pause)
            pause = EVERY
            try:
                await self.sweep()
            except Conflict:
                log.debug("another process removes what is old")
            except GatewayError as error:
                self.failures += 1
                log.warning("what is old stays for now: %s", error.message)
            except Exception:
                self.failures += 1
                log.exception("defect while removing what is old")

    async def sweep(self) -> None:
        """One pass."""
        steps = Sweep(self._store, self._ages).steps()
        before = self.removed.copy()
        while (step := await asyncio.to_thread(next, steps, None)) is not None:
            self.removed[step.of] += step.removed
            await asyncio.sleep(step.rest)
        for name, rows in (self.removed - before).items():
            log.info("removed %d %s older than %d days", rows, name, self._ages[name] // DAY)

    def gauges(self) -> dict[str, tuple[str, float]]:
        """For `/metrics`."""
        found: dict[str, tuple[str, float]] = {
            f"retention_removed_{of.name}": (f"Rows of {of.name} removed for their age.", self.removed[of.name])
            for of in retention.CLASSES
        }
        return {**found, "retention_failures": ("Passes that ended early and will be tried again.", self.failures)}
