"""What a running gateway is made of: every stateful thing, each with one owner. `gateway.app.running` makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from gateway.access import KeyHasher
from gateway.conversations import Conversations
from gateway.feedback import Intake
from gateway.journal import Journal
from gateway.pipeline import Pipeline
from gateway.readiness import Readiness
from gateway.refresh import Refresher
from gateway.reload import Reloader
from gateway.settings import Settings
from gateway.shipper import Shipper
from gateway.store.engine import Store
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.workers import Workers

T = TypeVar("T")


@dataclass(frozen=True)
class Services:
    """Everything stateful, each with one owner."""

    reloader: Reloader
    store: Store
    hasher: KeyHasher
    refresher: Refresher
    journal: Journal
    shipper: Shipper
    metrics: Metrics
    conversations: Conversations
    intake: Intake
    readiness: Readiness
    pipeline: Pipeline
    workers: Workers | None
    """Where several processes serve together."""

    @property
    def settings(self) -> Settings:
        """Those in force."""
        return self.reloader.settings

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query off the event loop."""
        return await asyncio.to_thread(self._in_transaction, query)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run a change in one transaction, and bring it into force in this process before returning."""
        result = await asyncio.to_thread(self._in_transaction, change)
        await self.refresher.refresh()
        return result

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        with self.store.begin() as connection:
            return work(connection)
