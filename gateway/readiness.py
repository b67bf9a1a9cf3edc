"""Whether this process can serve: the database, the journal, and the upstreams that live endpoints need."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.errors import GatewayError
from gateway.journal import Journal
from gateway.shipper import Shipper
from gateway.snapshot import Snapshots
from gateway.store.engine import Store
from gateway.types import Json
from gateway.upstreams import Upstream

FRESH = 5.0
"""Seconds an answer is reused: a probe every second must not become a load on the upstreams."""
PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class State:
    """What was found. Upstreams that fail are reported and do not make the process unready as long as one serves:
    taking every replica out because one cloud is down would be worse than its errors."""

    ready: bool
    faults: dict[str, str]

    def as_json(self) -> Json:
        return {"status": "ready" if self.ready else "not ready", "faults": self.faults}


class Readiness:
    """`told` are faults that make no process unready, by name: each a function that gives one, or None."""

    def __init__(
        self,
        store: Store,
        shipper: Shipper,
        journal: Journal,
        snapshots: Snapshots,
        told: Mapping[str, Callable[[], str | None]],
    ) -> None:
        self._store = store
        self._shipper = shipper
        self._journal = journal
        self._snapshots = snapshots
        self._told = told
        self._last: tuple[float, State] | None = None
        self._lock = asyncio.Lock()

    async def check(self) -> State:
        async with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > FRESH:
                self._last = (time.monotonic(), await self._look())
            return self._last[1]

    async def _look(self) -> State:
        upstreams = list(self._snapshots.current.upstreams.values())
        database, *answers = await asyncio.gather(self._database(), *(self._upstream(u) for u in upstreams))
        faults = {f"upstream {u.name}": why for u, why in zip(upstreams, answers, strict=True) if why is not None}
        serving = not upstreams or len(faults) < len(upstreams)
        if database is not None:
            faults["database"] = database
        if self._shipper.fault is not None:
            faults["records"] = f"They wait in the journal. {self._shipper.fault}"
        if self._journal.full:
            faults["journal"] = "The journal cannot be written: no room for records. Is the disk full?"
        faults |= {name: fault for name, tell in self._told.items() if (fault := tell()) is not None}
        return State(serving and "database" not in faults and "journal" not in faults, faults)

    async def _database(self) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.to_thread(self._store.ping)
        except GatewayError as error:
            return error.message
        except TimeoutError:
            return f"No answer in {PATIENCE:g} s."
        return None

    async def _upstream(self, upstream: Upstream) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE):
                await upstream.provider.check()
        except GatewayError as error:
            return error.message
        except TimeoutError:
            return f"No answer in {PATIENCE:g} s."
        return None
