"""The controller of rollouts: a tick a second, by one process of the installation at a time.

All it knows is in the database, and each tick takes what it finds there one step further in one transaction: whichever
process dies at whichever line, another goes on from what was committed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable

from gateway.audit import Act, Auditor
from gateway.errors import Conflict, GatewayError
from gateway.releases import conduct
from gateway.releases.conduct import ROBOT
from gateway.releases.decide import Action, Move
from gateway.releases.golive import Installation
from gateway.releases.rollout import Rollout
from gateway.store import leases, rollouts, units
from gateway.store.engine import Store

log = logging.getLogger(__name__)

EVERY = 1.0
LEASE = "rollouts"
LEASED = 10.0
"""Seconds for which the lease is taken, anew with every tick. Were two to tick at once all the same, the slower one's
changes would be refused: each is made on the rollout as it was read."""


class Controller:
    """A supervised loop. `installation` gives what is configured now; `changed` is told when something went another
    way, so that this process need not wait to notice."""

    def __init__(self, store: Store, auditor: Auditor, installation: Callable[[], Installation]) -> None:
        self._store = store
        self._auditor = auditor
        self._installation = installation
        self._holder = f"{os.getpid()}-{os.urandom(8).hex()}"
        self.failures = 0
        self.fault: str | None = None
        """Why the last tick failed, for readiness to tell."""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await asyncio.to_thread(self.tick)
                self.fault = None
            except GatewayError as error:
                self._failed(error.message)
                log.warning("rollouts wait: %s", error.message)
            except Exception as error:
                self._failed(repr(error))
                log.exception("defect in the controller of rollouts")

    def tick(self) -> None:
        """One step for each open rollout. Raises `Unavailable` when the database is dead."""
        with self._store.reading() as connection:
            if not rollouts.under_way(connection):
                return  # without a write: this is so most of the time, in every process, once a second
        with self._store.begin() as connection:
            if not leases.take(connection, LEASE, self._holder, LEASED):
                return
            waiting = rollouts.under_way(connection)
            units.sweep(connection, {rollout.id for rollout in waiting})
        for rollout in waiting:
            try:
                self._step(rollout.id)
            except Conflict as error:
                log.info("rollout %s: %s", rollout.id, error.message)

    def gauges(self) -> dict[str, tuple[str, float]]:
        """For `/metrics`."""
        return {
            "rollout_failures": ("Ticks of the rollout controller that failed and will be tried again.", self.failures)
        }

    def _step(self, rollout_id: str) -> None:
        from gateway.releases.comparison import compare  # numpy, which a gateway without a rollout does not need

        with self._store.begin() as connection:
            rollout = conduct.found(connection, rollout_id)
            if not rollout.open:
                return
            comparison = compare(connection, rollout, time.time())
            rollout = conduct.found(connection, rollout_id)
            move = conduct.tick(connection, self._installation(), rollout, comparison)
            if move.action in (Action.ADVANCE, Action.ABORT):
                self._auditor.append(connection, ROBOT, None, _act(rollout, move))
        if move.action in (Action.ADVANCE, Action.ABORT):
            log.info("rollout %s of %s: %s, %s", rollout.id, rollout.endpoint, move.action, move.why)

    def _failed(self, why: str) -> None:
        self.failures += 1
        self.fault = f"rollouts stand still: {why}"


def _act(rollout: Rollout, move: Move) -> Act:
    detail = {"endpoint": rollout.endpoint, "release": rollout.release, "from": rollout.stage.value}
    if move.stage is not None:
        detail |= {"to": move.stage.value, "step": str(move.step)}
    return Act(f"rollout.{move.action}", f"rollout:{rollout.id}", move.why, detail)
