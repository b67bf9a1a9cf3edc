"""What this replica has leased of each pool: spending it and settling up, by arithmetic alone.

Synchronous and without a clock of its own. `gateway.limits` trades with the State and tells the outcome here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from gateway.amounts import FOREVER, Allowance, Amounts, Period, period
from gateway.errors import OverLimit, RateLimited
from gateway.state.base import UNKNOWN, Stake

Kind = Literal["requests", "tokens", "concurrent", "budget"]
UNITS: dict[Kind, int] = {"requests": 0, "tokens": 1, "concurrent": 0, "budget": 2}
"""Which of a call's units a pool counts."""
RATE_OF_REQUESTS = (
    b"x-ratelimit-limit-requests: %d\r\nx-ratelimit-remaining-requests: %d\r\nx-ratelimit-reset-requests: %ds\r\n"
)
RATE_OF_TOKENS = RATE_OF_REQUESTS.replace(b"requests", b"tokens")
Units = tuple[int, int, int]
"""Of one call: itself, tokens, money."""
MOST_STAKES = 1000
"""In one trade: Redis does nothing else meanwhile, a hundredth of a second."""


class Lease:
    """Units of a pool that may be spent here. `taken` = spent + `flying` + `free`, where `flying` are those of calls
    under way. `free` is negative while more was spent than was leased."""

    __slots__ = (
        "asked",
        "flying",
        "free",
        "held",
        "kind",
        "left",
        "low",
        "mark",
        "name",
        "recorded",
        "scope",
        "since",
        "size",
        "taken",
        "then",
        "thirsty",
        "unit",
        "until",
    )

    def __init__(self, scope: str, kind: Kind, size: int, of: Period) -> None:
        self.name = f"{scope}/{kind}/{of.name}"
        self.scope = scope
        self.kind: Kind = kind
        self.unit = UNITS[kind]
        self.size = size
        self.since = of.since
        self.until = of.until
        self.held = kind == "concurrent"
        self.recorded = UNKNOWN if kind == "budget" else None
        self.taken = self.free = self.flying = 0
        self.low = 0
        """The least that was free since the last beat: nobody needed that much."""
        self.then = 0
        """Spent or under way at the last beat."""
        self.mark = 0
        """Below this, more is asked for in the background."""
        self.thirsty = False
        self.left = UNKNOWN
        """What the pool had left when it was asked, at `asked`."""
        self.asked = -math.inf

    @property
    def remaining(self) -> int:
        """Units of the pool that are left, as far as this replica knows; negative where more was spent than leased."""
        return self.free + self.left if self.left > 0 else self.free

    def owe(self, units: int) -> None:
        """Spend what was not leased."""
        self.free -= units
        self.low = min(self.low, self.free)

    def own_up(self) -> None:
        """What was spent and not leased is taken."""
        if self.free < 0:
            self.taken -= self.free
            self.free = self.low = 0

    def give_back(self) -> bool:
        """At each beat: let go of what nobody needed since the last one, but for what that pace needs until the next.
        Whether there was any."""
        spent = self.taken - self.free
        pace = 0 if self.held else max(0, spent - self.then)
        idle = self.low - pace
        if idle > 0:
            self.free -= idle
            self.taken -= idle
            self.mark = pace // 4
        self.low = self.free
        self.then = spent
        return idle > 0

    def granted(self, units: int, left: int, now: float) -> None:
        self.taken += units
        self.free += units
        self.left = left
        self.asked = now
        self.thirsty = False
        if units:
            self.mark = units // 4
        if left != UNKNOWN and self.recorded is not None:
            self.recorded = UNKNOWN  # the State knows it now, and is not told again what has become old

    def forgotten(self) -> None:
        """The State has lost what it knew. Where records count, they have what was settled."""
        self.left = UNKNOWN
        if self.recorded is not None:
            self.recorded = UNKNOWN
            self.taken = self.free + self.flying

    def refusal(self, wanted: int, now: float) -> RateLimited:
        """Why a call that wants so many units cannot have them."""
        kind, _, name = self.scope.partition(":")
        whose = f"the {kind} {name}"
        if self.kind == "concurrent":
            message = (
                f"As many calls of {whose} are under way as may be at once: {self.size}. Wait until one has ended."
            )
            return RateLimited(message, code="too_many_concurrent", retry_after=1.0)
        if self.kind == "budget":
            renewed = "" if self.until == FOREVER else f", renewed at {_shown(self.until)}"
            amount = f"${self.size / 1_000_000:.6g}"
            message = f"The budget of {whose} has too little left for this call ({amount}{renewed}). Have it raised."
            return OverLimit(message, code="insufficient_quota")
        limit = f"{self.size} {self.kind} a minute"
        if wanted > self.size:
            message = f"This call may take {wanted} {self.kind}, more than {whose} may in all ({limit}). Ask for fewer."
            return OverLimit(message, code="rate_limit_exceeded")
        seconds = max(1, math.ceil(self.until - now))
        message = f"The limit of {whose} is reached: {limit}. Try again at {_shown(self.until)}, in {seconds} s."
        error = RateLimited(message, retry_after=float(seconds))
        error.limits = rate_fields((self,), now)
        return error


class Reservation(msgspec.Struct, gc=False):
    """What was reserved of which leases; of none once it is settled."""

    allowances: Sequence[Allowance]
    leases: tuple[Lease, ...]
    units: Units


@dataclass(frozen=True, slots=True)
class Group:
    """The leases in force for an allowance, until the first of them ends."""

    allowance: Allowance
    leases: tuple[Lease, ...]
    until: float


@dataclass(frozen=True, slots=True)
class Cover:
    """The leases in force for all allowances of a call, until the first of them ends."""

    allowances: Sequence[Allowance]
    leases: tuple[Lease, ...]
    until: float


class Leases:
    """All leases of this replica. `thirst` is called when one runs low."""

    def __init__(self, thirst: Callable[[], None]) -> None:
        self._thirst = thirst
        self._groups: dict[str, Group] = {}
        self._covers: dict[int, Cover] = {}
        """By the identity of the allowances, which are the same objects for as long as nothing is declared anew."""
        self._all: dict[str, Lease] = {}
        self._stocked: set[Lease] = set()
        """Those that may have units to give back."""
        self.due: set[Lease] = set()
        """Those the State must be told of."""

    def find(self, allowances: Sequence[Allowance], now: float) -> tuple[Lease, ...]:
        """The leases that a call under these allowances must be covered by."""
        cover = self._covers.get(id(allowances))
        if cover is None or cover.allowances is not allowances or now >= cover.until:
            groups = [self._group(allowance, now) for allowance in allowances]
            leases = tuple(lease for group in groups for lease in group.leases)
            cover = Cover(allowances, leases, min((group.until for group in groups), default=FOREVER))
            self._covers[id(allowances)] = cover
        return cover.leases

    def spend(self, allowances: Sequence[Allowance], units: Units, now: float) -> Reservation | None:
        """From all leases of these allowances, or from none."""
        leases = self.find(allowances, now)
        for lease in leases:
            if lease.free < units[lease.unit]:
                return None
        for lease in leases:
            wanted = units[lease.unit]
            lease.flying += wanted
            lease.free = free = lease.free - wanted
            if free < lease.low:
                lease.low = free
                if free < lease.mark and not lease.thirsty:
                    lease.thirsty = True
                    self.due.add(lease)
                    self._thirst()
        return Reservation(allowances, leases, units)

    def spend_unleased(self, allowances: Sequence[Allowance], units: Units, now: float) -> Reservation:
        """Whether they cover it or not."""
        leases = self.find(allowances, now)
        for lease in leases:
            lease.flying += units[lease.unit]
            self._owe(lease, units[lease.unit])
        return Reservation(allowances, leases, units)

    def settle(self, reservation: Reservation, actual: Amounts, now: float) -> int:
        """Give back what was not used. What was used beyond the reservation is owed: its units are taken from this
        period where that of the reservation is over. Gives how many."""
        leases, reservation.leases = reservation.leases, ()
        used = (1, actual.tokens, actual.money)
        owed = 0
        for lease in leases:
            reserved = reservation.units[lease.unit]
            back = reserved if lease.held else reserved - used[lease.unit]
            lease.flying -= reserved
            if back >= 0:
                lease.free += back
                self._stocked.add(lease)
                continue
            owed -= back
            for present in self.find(reservation.allowances, now):
                if (present.scope, present.kind) == (lease.scope, lease.kind):
                    self._owe(present, -back)
        return owed

    def stakes(self, wanted: Mapping[Lease, tuple[int, int]], now: float) -> dict[Lease, Stake]:
        """What the State must be told now, and is asked for: `wanted` are the units calls wait for, of all of them and
        of the smallest. What is more than one trade can hold stays due."""
        stakes: dict[Lease, Stake] = {}
        for lease in (*wanted, *(self.due - wanted.keys())):
            every, least = wanted.get(lease, (0, 0))
            if every <= lease.free and lease not in self.due:
                continue
            if len(stakes) == MOST_STAKES:
                break
            self.due.discard(lease)
            if lease.until <= now:
                continue
            lease.own_up()
            stakes[lease] = Stake(
                lease.name,
                lease.size,
                0 if lease.until == FOREVER else int(lease.until),
                lease.taken,
                max(every - lease.free, int(lease.thirsty)),
                max(1, least - lease.free),
                lease.held,
                lease.recorded,
            )
        return stakes

    def granted(self, lease: Lease, units: int, left: int, now: float) -> None:
        lease.granted(units, left, now)
        self._stocked.add(lease)

    def beat(self) -> None:
        """Give back what is idle."""
        self.due.update([lease for lease in self._stocked if lease.give_back()])
        self._stocked = {lease for lease in self._stocked if lease.free > 0}

    def sweep(self, now: float) -> None:
        """Forget what is over, and what nobody uses."""
        self._covers.clear()
        self._groups = {
            scope: group
            for scope, group in self._groups.items()
            if any(lease.free or lease.flying for lease in group.leases)
        }
        used = {lease.name for group in self._groups.values() for lease in group.leases}
        self._all = {
            name: lease
            for name, lease in self._all.items()
            if name in used or lease in self.due or (now < lease.until and (lease.taken or lease.flying))
        }

    def forgotten(self) -> None:
        """The State must be told of everything anew."""
        for lease in self._all.values():
            lease.forgotten()
        self.due.update(self._all.values())

    def give_up(self) -> None:
        """Give back every unspent unit, as this replica leaves."""
        for lease in self._all.values():
            lease.taken -= lease.free
            lease.free = 0
            if lease.held or lease in self._stocked:
                self.due.add(lease)

    def _group(self, allowance: Allowance, now: float) -> Group:
        group = self._groups.get(allowance.scope)
        if group is None or group.allowance is not allowance or now >= group.until:
            group = self._open(allowance, now)
        return group

    def _open(self, allowance: Allowance, now: float) -> Group:
        """The leases of this moment. What was overdrawn in the period before is taken from the new one."""
        before = self._groups.get(allowance.scope)
        former = {lease.kind: lease for lease in before.leases} if before is not None else {}
        declared: tuple[tuple[Kind, int | None, Period], ...] = (
            ("requests", allowance.requests_per_minute, period("minute", now)),
            ("tokens", allowance.tokens_per_minute, period("minute", now)),
            ("concurrent", allowance.concurrent, period("total", now)),
            ("budget", allowance.budget, period(allowance.budget_period, now)),
        )
        leases = []
        for kind, size, of in declared:
            if size is None:
                continue
            made = Lease(allowance.scope, kind, size, of)
            lease = self._all.setdefault(made.name, made)
            if lease.size != size:
                lease.size, lease.left = size, UNKNOWN
            leases.append(lease)
            old = former.get(kind)
            if old is not None and old is not lease and old.free < 0:
                self._owe(lease, -old.free)
        group = Group(allowance, tuple(leases), min((lease.until for lease in leases), default=FOREVER))
        self._groups[allowance.scope] = group
        return group

    def _owe(self, lease: Lease, units: int) -> None:
        lease.owe(units)
        self.due.add(lease)


def rate_fields(leases: Sequence[Lease], now: float) -> bytes:
    """OpenAI's header lines for the limits of requests and of tokens, of several of a kind the one nearest its end.
    What remains is what this replica knows: the pool's rest when it last asked, and what it has leased."""
    requests: Lease | None = None
    tokens: Lease | None = None
    for lease in leases:
        if lease.kind == "requests":
            if requests is None or lease.remaining < requests.remaining:
                requests = lease
        elif lease.kind == "tokens" and (tokens is None or lease.remaining < tokens.remaining):
            tokens = lease
    lines = b"" if requests is None else RATE_OF_REQUESTS % _rate(requests, now)
    return lines if tokens is None else lines + RATE_OF_TOKENS % _rate(tokens, now)


def _rate(lease: Lease, now: float) -> tuple[int, int, float]:
    """Limit, what remains, and the seconds until it begins anew."""
    remaining, wait = lease.remaining, lease.until - now
    return lease.size, remaining if remaining > 0 else 0, wait + 1 if wait > 0 else 0


def _shown(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment))
