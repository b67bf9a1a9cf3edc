"""Limits that are never passed, without asking anybody on the way: each replica spends what it has leased.

A call *reserves* an upper bound of all it may take, of all its scopes at once or not at all, and *settles* for what it
took. Reserving is arithmetic on the leases of this process. Where they run dry, the call waits for the next trade with
the State: one round trip, which all waiting calls share. `gateway.state.base` says what makes trades safe.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, islice
from typing import Literal

from gateway.amounts import Allowance, Amounts
from gateway.errors import GatewayError, RateLimited, Unavailable
from gateway.leases import Lease, Leases, Reservation, Units, rate_fields
from gateway.state.base import UNKNOWN, Deal, Stake, State, Trade

log = logging.getLogger(__name__)

BEAT = 0.5
"""Seconds between two trades where nothing else asks for one: signs of life, which also give back what is idle."""
VALID = 1.5
"""Seconds after a trade for which leases may be spent; less than `ledger.GRACE`, so a replica that is cut off stops
before others are granted what it had."""
AGAIN = 0.05
"""Seconds for which a pool is taken to be as dry as it was."""
SWEEP = 60.0
PATIENCE = 2.0
"""Seconds the records may take to say what was spent."""
ASKED = 50
"""Budgets the records are asked of at a time."""

Spent = Callable[[str, float, float], int]
"""Micro-USD that the records say a scope has spent from one moment to another (Unix time). May block, and raise a
`GatewayError`."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """A call that waits for the next trade."""

    allowances: Sequence[Allowance]
    units: Units
    future: asyncio.Future[Reservation]


class Limits:
    """One per process and event loop; `run` trades with the State. While the State is away, calls with limits are
    refused or served, as `away` says, and counted."""

    def __init__(
        self,
        state: State,
        spent: Spent,
        away: Literal["refuse", "serve"] = "refuse",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._spent = spent
        self._serves_away = away == "serve"
        self._clock = clock
        self._replica = os.urandom(8).hex()
        self._numbers = count(1)
        self._epoch, self._count = "", 0
        self._wake = asyncio.Event()
        self._leases = Leases(self._wake.set)
        self._waiting: list[Waiter] = []
        self._unknown: set[Lease] = set()
        """Budgets of which the records are being asked."""
        self._asking: asyncio.Task[None] | None = None
        self._good_until = -math.inf
        self._away_until = -math.inf
        """Infinite after a trade that failed, until one succeeds."""
        self._beaten = self._swept = -math.inf
        self.refused = 0
        """Calls refused because a limit was reached."""
        self.unavailable = 0
        """Calls refused because the State was away."""
        self.unchecked = 0
        """Calls served without a check because the State was away."""
        self.overdrawn = 0
        """Units that calls took beyond what they had reserved."""
        self.state_failures = 0
        self.fault: str | None = None
        """Why the last trade failed; None if it did not."""

    def gauges(self) -> dict[str, tuple[str, float]]:
        return {
            "limits_refused": ("Calls refused because a limit was reached.", self.refused),
            "limits_unavailable": ("Calls refused because limits could not be checked.", self.unavailable),
            "limits_unchecked": ("Calls served although limits could not be checked.", self.unchecked),
            "limits_overdrawn": ("Units taken beyond what was reserved.", self.overdrawn),
            "state_failures": ("Times that the shared state did not answer.", self.state_failures),
        }

    def take(self, allowances: Sequence[Allowance], amounts: Amounts) -> Reservation | None:
        """Reserve from what is leased here; None where it does not suffice, and `reserve` must be awaited."""
        now = self._clock()
        if now >= self._good_until:
            return None
        return self._leases.spend(allowances, (1, amounts.tokens, amounts.money), now)

    async def reserve(self, allowances: Sequence[Allowance], amounts: Amounts) -> Reservation:
        """Reserve all or nothing. Raises `RateLimited` naming the limit that is reached, and `Unavailable` when that
        cannot be known and calls are not served then."""
        units = (1, amounts.tokens, amounts.money)
        now = self._clock()
        good = now < self._good_until or not self._leases.find(allowances, now)
        if good and (reservation := self._leases.spend(allowances, units, now)) is not None:
            return reservation
        if (refusal := self._refusal(allowances, units, now)) is not None:
            raise refusal
        if now < self._away_until:
            return self._unchecked(allowances, units)
        waiter = Waiter(allowances, units, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._wake.set()
        try:
            return await waiter.future
        except asyncio.CancelledError:
            future = waiter.future
            if future.done() and not future.cancelled() and future.exception() is None:
                self.settle(future.result(), Amounts())
            raise

    def fields(self, reservation: Reservation) -> bytes:
        """Header lines that tell a client how near its limits are, each ended by CRLF."""
        return rate_fields(reservation.leases, self._clock())

    def settle(self, reservation: Reservation, actual: Amounts) -> None:
        """Give back what was not used; what was used beyond the reservation is taken from what follows, and counted.
        Never raises. Settling again does nothing."""
        self.overdrawn += self._leases.settle(reservation, actual, self._clock())

    async def run(self) -> None:
        """Trade for ever: when a call waits, when a lease runs low, and at each beat."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._wake.wait()
            try:
                await self.exchange()
            except Exception:
                log.exception("defect while trading limits")
                self._lose("a defect of the gateway; the log has it.")
            if self._away_until == math.inf:
                await asyncio.sleep(BEAT)

    async def exchange(self) -> None:
        """One trade with the State. Afterwards each call that waited for it has its reservation or its refusal."""
        self._wake.clear()
        now = self._clock()
        if abs(now - self._beaten) >= BEAT:  # a clock may be set back
            self._beaten = now
            self._leases.beat()
        stakes = self._leases.stakes(self._wanted(now), now)
        try:
            deal = await self._state.trade(self._trade(stakes))
        except Unavailable as error:
            self._leases.due.update(stakes)
            self._lose(error.message)
        else:
            self._agree(deal, stakes, now)
            if self._leases.due:
                self._wake.set()
        if abs(now - self._swept) >= SWEEP and not self._waiting:
            self._swept = now
            self._leases.sweep(now)

    async def close(self) -> None:
        """Give back every unspent unit, after `run` was stopped."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        self._excuse(self._waiting)
        self._leases.give_up()
        try:
            while stakes := self._leases.stakes({}, self._clock()):
                await self._state.trade(self._trade(stakes, leaving=True))
        except Unavailable as error:
            self.state_failures += 1
            log.warning("leases cannot be given back: %s", error.message)

    def _trade(self, stakes: dict[Lease, Stake], leaving: bool = False) -> Trade:
        number = next(self._numbers)
        return Trade(self._replica, number, self._epoch, self._count, list(stakes.values()), leaving)

    def _wanted(self, now: float) -> dict[Lease, tuple[int, int]]:
        """What the calls that wait for a trade want of each lease: all of them, and the smallest."""
        self._waiting = [waiter for waiter in self._waiting if not waiter.future.done()]
        wanted: dict[Lease, tuple[int, int]] = {}
        for waiter in self._waiting:
            leases = self._leases.find(waiter.allowances, now)
            if not self._unknown.isdisjoint(leases):
                continue
            for lease in leases:
                units = waiter.units[lease.unit]
                every, least = wanted.get(lease, (0, units))
                wanted[lease] = (every + units, min(least, units))
        return wanted

    def _agree(self, deal: Deal, stakes: dict[Lease, Stake], now: float) -> None:
        """Take what was granted, and see to the calls that wait."""
        if self._away_until == math.inf:
            log.warning("limits can be checked again")
        self.fault = None
        self._away_until = now + deal.wait if deal.wait else -math.inf
        self._good_until = now + VALID
        self._count = deal.count
        if deal.epoch != self._epoch:
            if self._epoch:
                log.warning("the state has lost what it knew; it is told anew")
                self._leases.forgotten()
                self._wake.set()
            self._epoch = deal.epoch
        waiting, self._waiting = self._waiting, []
        if deal.wait:
            self._excuse(waiting)
            return
        for lease, units, left in zip(stakes, deal.grants, deal.left, strict=True):
            self._leases.granted(lease, units, left, now)
            if left == UNKNOWN:
                self._unknown.add(lease)
        if self._unknown and self._asking is None:
            self._asking = asyncio.create_task(self._ask_records())
        for waiter in waiting:
            self._serve(waiter)

    def _serve(self, waiter: Waiter) -> None:
        """Give a call what it waits for, or its refusal, or let it wait for the next trade."""
        if waiter.future.done():
            return
        now = self._clock()
        reservation = self._leases.spend(waiter.allowances, waiter.units, now)
        if reservation is not None:
            waiter.future.set_result(reservation)
        elif (refusal := self._refusal(waiter.allowances, waiter.units, now)) is not None:
            waiter.future.set_exception(refusal)
        else:
            self._waiting.append(waiter)
            if self._unknown.isdisjoint(self._leases.find(waiter.allowances, now)):
                self._wake.set()

    def _refusal(self, allowances: Sequence[Allowance], units: Units, now: float) -> RateLimited | None:
        """Where a limit is known to be reached."""
        for lease in self._leases.find(allowances, now):
            wanted = units[lease.unit]
            short = wanted - lease.free
            dry = lease.left != UNKNOWN and lease.left < short and abs(now - lease.asked) < AGAIN
            if short > 0 and (dry or wanted > lease.size):
                self.refused += 1
                return lease.refusal(wanted, now)
        return None

    def _unchecked(self, allowances: Sequence[Allowance], units: Units) -> Reservation:
        """What becomes of a call while its limits cannot be known. Raises `Unavailable` where it is refused."""
        if self._serves_away:
            self.unchecked += 1
            return self._leases.spend_unleased(allowances, units, self._clock())
        self.unavailable += 1
        message = "The limits of this call cannot be checked now, and calls are not served without. Try again."
        raise Unavailable(message, code="limits_unavailable", retry_after=1.0)

    def _excuse(self, waiting: Sequence[Waiter]) -> None:
        """These calls wait in vain."""
        for waiter in waiting:
            if not waiter.future.done():
                try:
                    waiter.future.set_result(self._unchecked(waiter.allowances, waiter.units))
                except Unavailable as error:
                    waiter.future.set_exception(error)

    def _lose(self, why: str) -> None:
        """A trade failed: nobody waits for the State until one succeeds."""
        self.state_failures += 1
        self.fault = why
        if self._away_until != math.inf:
            done = "served unchecked" if self._serves_away else "refused"
            log.warning("limits cannot be checked, calls that have some are %s: %s", done, why)
        self._away_until = math.inf
        waiting, self._waiting = self._waiting, []
        self._excuse(waiting)

    async def _ask_records(self) -> None:
        """Learn what was spent of budgets before the State knew of them, some of them at a time. Calls that wait for
        one in vain do not wait longer."""
        while self._unknown:
            asked, epoch = list(islice(self._unknown, ASKED)), self._epoch
            found = None
            try:
                async with asyncio.timeout(PATIENCE):
                    found = await asyncio.to_thread(self._recorded, asked)
            except (GatewayError, TimeoutError) as error:
                log.warning("what budgets have spent cannot be found: %s", error)
            except Exception:
                log.exception("defect while asking what budgets have spent")
            self._unknown.difference_update(asked)
            self._leases.due.update(asked)
            if found is None:
                self.state_failures += 1
                self._excuse_those_of(set(asked))
            elif epoch == self._epoch:
                for lease, spent in zip(asked, found, strict=True):
                    lease.recorded = spent
            self._wake.set()
        self._asking = None

    def _recorded(self, leases: Sequence[Lease]) -> list[int]:
        return [self._spent(lease.scope, lease.since, lease.until) for lease in leases]

    def _excuse_those_of(self, leases: set[Lease]) -> None:
        now = self._clock()
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if leases.isdisjoint(self._leases.find(waiter.allowances, now)):
                self._waiting.append(waiter)
            else:
                self._excuse([waiter])
