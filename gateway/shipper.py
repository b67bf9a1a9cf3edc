"""Moves what a journal holds to the database, exactly once.

Records of a batch and the offset they reach to are written in one transaction, so a process killed at any line loses
nothing and doubles nothing. While the database is dead the journal keeps what comes and the shipper backs off.
"""

from __future__ import annotations

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import Connection

from gateway.errors import GatewayError
from gateway.journal import Journal, Read, claimed, read, segments
from gateway.record import CallRecord
from gateway.store import calls
from gateway.store.engine import Store

log = logging.getLogger(__name__)

EVERY = 0.5
LONGEST_PAUSE = 5.0
BATCH = 2000
LAST_PASS = 5.0

T = TypeVar("T")
Observer = Callable[[Sequence[CallRecord]], None]


class Carrier(ABC, Generic[T]):
    """A supervised loop. Ships this process's own segments, and those of processes that died."""

    def __init__(self, journal: Journal, directory: Path, store: Store) -> None:
        self._journal = journal
        self._directory = directory
        self._store = store
        self._offsets: dict[str, int] = {}
        self._gone: list[str] = []
        """Segments whose files are gone and which the database still knows."""
        self._shipping = Lock()
        """A pass that was cancelled goes on in its thread; the next one waits for it."""
        self.shipped = 0
        self.fault: str | None = None
        """Why the last pass failed; None if it did not."""
        self.failures = 0
        self.damaged = 0

    @abstractmethod
    def read(self, segment: Path, offset: int, limit: int) -> Read[T]:
        """What the journal holds, as `journal.read`."""

    @abstractmethod
    def write(self, connection: Connection, segment: str, offset: int, records: Sequence[T]) -> None:
        """Records, and how far into the segment they reach, in the caller's one transaction."""

    def show(self, records: Sequence[T]) -> None:
        """Called with every batch after it is in the database. Must not raise."""

    async def run(self) -> None:
        pause = EVERY
        while True:
            await asyncio.sleep(pause)
            try:
                await asyncio.to_thread(self._pass)
                pause, self.fault = EVERY, None
            except GatewayError as error:
                self.failures += 1
                self.fault = error.message
                pause = min(LONGEST_PAUSE, pause * 2) * random.uniform(0.8, 1.2)  # noqa: S311
                log.warning("records wait in the journal: %s", error.message)
            except Exception:
                self.failures += 1
                self.fault = "A defect of the gateway holds them up; the log has it."
                log.exception("defect while shipping records")

    def _pass(self) -> None:
        with self._shipping:
            self._journal.prepare()  # before the database is asked: both may be on one full disk
        self.ship()

    async def drain(self) -> None:
        """Close the journal and ship what is there, within `LAST_PASS` seconds; the next process ships what is left."""
        with suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(LAST_PASS):
                await asyncio.to_thread(self._drain)

    def _drain(self) -> None:
        with self._shipping:
            self._journal.finish()
        self.ship()
        self._journal.close()

    def ship(self) -> None:
        """One pass over all segments. Raises `Unavailable` when the database is dead."""
        with self._shipping:
            self._journal.sync()
            for segment in self._journal.held:
                finished = segment != self._journal.current
                self._ship_segment(segment)
                if finished:
                    self._retire(segment)
                    self._journal.release(segment)
            for segment in segments(self._directory):
                with suppress(FileNotFoundError), claimed(segment) as ours:
                    if ours:
                        self._offsets.pop(segment.name, None)  # another process may have come further
                        self._ship_segment(segment)
                        self._retire(segment)
            self._forget()

    @property
    def backlog_bytes(self) -> int:
        """Journalled by this process and not yet in the database, as far as its current segment goes."""
        current = self._journal.current
        return self._journal.position - self._offsets.get(current.name, 0) if current is not None else 0

    def _ship_segment(self, segment: Path) -> None:
        offset = self._offset(segment.name)
        while True:
            found = self.read(segment, offset, BATCH)
            if not found.records:
                break
            with self._store.begin() as connection:
                self.write(connection, segment.name, found.offset, found.records)
            self._offsets[segment.name] = offset = found.offset
            self.shipped += len(found.records)
            self.show(found.records)

    def _offset(self, name: str) -> int:
        if name not in self._offsets:
            with self._store.begin() as connection:
                self._offsets[name] = calls.offset_of(connection, name)
        return self._offsets[name]

    def _retire(self, segment: Path) -> None:
        """A segment nobody writes, shipped to its end: remove it, or set it aside where it is damaged."""
        if self.read(segment, self._offsets[segment.name], 1).damaged:
            self.damaged += 1
            log.error("the journal segment %s is damaged; set aside as %s.damaged", segment, segment.name)
            segment.rename(segment.with_name(f"{segment.name}.damaged"))
        else:
            segment.unlink()
        del self._offsets[segment.name]
        self._gone.append(segment.name)

    def _forget(self) -> None:
        """After their files are gone, and never before: a file that nobody knows is shipped from its beginning."""
        if self._gone:
            with self._store.begin() as connection:
                for name in self._gone:
                    calls.forget(connection, name)
            self._gone.clear()


class Shipper(Carrier[CallRecord]):
    """Ships records of calls. The `observers` see every batch after it is in the database; what they raise is logged
    and stops nothing."""

    def __init__(self, journal: Journal, directory: Path, store: Store, observers: Sequence[Observer] = ()) -> None:
        super().__init__(journal, directory, store)
        self._observers = observers

    def read(self, segment: Path, offset: int, limit: int) -> Read[CallRecord]:
        return read(segment, offset, limit)

    def write(self, connection: Connection, segment: str, offset: int, records: Sequence[CallRecord]) -> None:
        calls.ship(connection, segment, offset, records)

    def gauges(self) -> dict[str, tuple[str, float]]:
        return {
            "journal_backlog_bytes": ("Journalled and not yet in the database.", self.backlog_bytes),
            "journal_damaged_segments": ("Segments set aside because they are damaged.", self.damaged),
            "shipped_records": ("Records moved to the database by this process.", self.shipped),
            "shipping_failures": ("Batches that could not be moved and will be tried again.", self.failures),
        }

    def show(self, records: Sequence[CallRecord]) -> None:
        for observe in self._observers:
            try:
                observe(records)
            except Exception:
                log.exception("defect while exporting records")
