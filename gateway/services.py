"""What a running gateway is made of: every stateful thing, each with one owner. `gateway.app.running` makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from gateway.access import KeyHasher
from gateway.audit import Act, Auditor
from gateway.conversations import Conversations
from gateway.evals.desk import Desk
from gateway.feedback import Intake
from gateway.guarding.moderating import Moderator
from gateway.jobs.webhooks import Dispatcher
from gateway.journal import Journal
from gateway.limits import Limits
from gateway.pipeline import Pipeline
from gateway.readiness import Readiness
from gateway.refresh import Refresher
from gateway.releases.golive import Installation
from gateway.reload import Reloader
from gateway.sealing import Sealer
from gateway.settings import Settings
from gateway.shipper import Shipper
from gateway.signing import Signer
from gateway.store.engine import Store
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.workers import Workers
from gateway.types import Principal

T = TypeVar("T")


@dataclass(frozen=True)
class Services:
    """Everything stateful, each with one owner."""

    reloader: Reloader
    store: Store
    hasher: KeyHasher
    signer: Signer
    auditor: Auditor
    sealer: Sealer
    dispatcher: Dispatcher
    refresher: Refresher
    journal: Journal
    shipper: Shipper
    metrics: Metrics
    limits: Limits
    conversations: Conversations
    intake: Intake
    readiness: Readiness
    pipeline: Pipeline
    moderator: Moderator
    desk: Desk
    workers: Workers | None
    """Where several processes serve together."""

    @property
    def settings(self) -> Settings:
        """Those in force."""
        return self.reloader.settings

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query off the event loop."""
        return await asyncio.to_thread(self._in_transaction, query)

    @property
    def installation(self) -> Installation:
        """What decides together with the database."""
        return Installation.of(self.signer, self.refresher.snapshots.current.pools)

    async def act(self, who: Principal, act: Act | Callable[[T], Act], change: Callable[[Connection], T]) -> T:
        """Run a change and write its audit entry, in one transaction, and bring it into force in this process before
        returning."""

        def whole(connection: Connection) -> T:
            result = change(connection)
            made = act(result) if callable(act) else act
            self.auditor.append(connection, who.owner or who.name, who.key_id, made)
            return result

        return await self.write(whole)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run a change in one transaction, and bring it into force in this process before returning."""
        result = await asyncio.to_thread(self._in_transaction, change)
        await self.refresher.refresh()
        return result

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        with self.store.begin() as connection:
            return work(connection)
