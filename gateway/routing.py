"""Which upstream is asked, and who is asked next when it fails. No network here: decisions only.

    a fault of the request          nobody else would answer it: it is the client's
    a passing fault (5xx, reset)    another member; else the same one again, after a pause; else the fallbacks
    busy (429)                      another member, the fallbacks; else the same one, when it said
    anything else                   another member, then the fallbacks

A reply of which the client has seen the first token is never begun again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b

from gateway.errors import (
    BadRequest,
    ClientGone,
    ClosedBeforeReply,
    Conflict,
    GatewayError,
    RateLimited,
    TooLarge,
    Unavailable,
    Unequipped,
    UpstreamRefused,
)
from gateway.health import Health
from gateway.pricing import Price
from gateway.upstreams import Upstream

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
"""Seconds before an upstream is asked again: anything from none to this, doubled each time (full jitter)."""
PATIENCE = 1.0
LAST_PATIENCE = 10.0
"""Seconds a call waits for a busy upstream: while there is another to ask, and when there is none."""
SOON = 0.1
"""Seconds a client is told to wait at least."""
PASSING = frozenset(("upstream_unreachable", "upstream_cut"))
FOR_NOBODY = frozenset(("content_filter", "content_policy_violation"))
"""Codes of a refusal of what was asked, however the upstream puts it."""


class Fault(Enum):
    """Whose fault an error is."""

    REQUEST = "request"
    PASSING = "passing"
    BUSY = "busy"
    UPSTREAM = "upstream"


def fault_of(error: GatewayError) -> Fault:
    if isinstance(error, BadRequest | TooLarge | Conflict | ClientGone) or error.code in FOR_NOBODY:
        return Fault.REQUEST
    if isinstance(error, RateLimited):
        return Fault.BUSY if error.code != "insufficient_quota" else Fault.UPSTREAM
    if isinstance(error, ClosedBeforeReply) or error.code in PASSING:
        return Fault.PASSING
    if isinstance(error, UpstreamRefused):
        return Fault.PASSING
    if isinstance(error, Unavailable) and not isinstance(error, Unequipped):
        return Fault.PASSING
    return Fault.UPSTREAM


def tell(health: Health, error: GatewayError) -> None:
    """What an error says of the upstream that it came from."""
    fault = fault_of(error)
    if fault is Fault.REQUEST:
        health.succeeded()
    elif fault is Fault.BUSY:
        if error.retry_after:
            health.rest(error.retry_after, error.message)
        else:
            health.abandoned()
    elif isinstance(error, Unequipped):
        health.abandoned()  # known for certain already: nothing to be found out by leaving it alone
    else:
        health.failed(error.message)


@dataclass(frozen=True, slots=True)
class Pool:
    """Upstreams under one name. `weights` go with `members`, each >= 0; a member of weight 0 is asked only when the
    others cannot. `retries` are repeats at one upstream. With `hedge_after` seconds and no token, a second one is asked
    as well. `sticky`: the same user, else the same key, gets the same member as long as it is well.

    An upstream asked for by its own name is a pool that is not `declared`: it is asked once, however it has been doing,
    and its client hears what it said. Clients have retries of their own, which would multiply with ours."""

    name: str
    members: tuple[Upstream, ...]
    weights: tuple[int, ...] = (1,)
    fallbacks: tuple[Upstream, ...] = ()
    retries: int = 1
    hedge_after: float | None = None
    sticky: bool = False
    declared: bool = True
    dearest: Price | None = field(init=False)
    """The highest of each price among those that may come to answer."""
    max_output: int = field(init=False)
    """Tokens that an answer of any of them may have, where its call names no maximum."""
    identity: str = field(init=False)
    """Names what may come to answer, and how often each."""

    def __post_init__(self) -> None:
        every = (*self.members, *self.fallbacks)
        prices = [upstream.price for upstream in every if upstream.price is not None]
        object.__setattr__(self, "dearest", _dearest(prices) if prices else None)
        answers = [one.identity for one in self.members], self.weights, [one.identity for one in self.fallbacks]
        object.__setattr__(self, "identity", identity_of(*answers))
        object.__setattr__(self, "max_output", min(upstream.max_output for upstream in every))

    @classmethod
    def lone(cls, upstream: Upstream) -> Pool:
        return cls(upstream.name, (upstream,), retries=0, declared=False)

    def order(self, pick: str | None) -> Sequence[Upstream]:
        """The members as they are asked one after the other: by weighted dice, or, for `pick`, by rendezvous hashing:
        when a member goes, only those it had go elsewhere."""
        if len(self.members) == 1:
            return self.members
        draws = [(-_draw(pick, member.name, weight), at) for at, (member, weight) in self._weighted]
        return [self.members[at] for _, at in sorted(draws)]

    @property
    def shutdown_date(self) -> str | None:
        """The first day on which one of its models is retired."""
        dates = [upstream.shutdown_date for upstream in (*self.members, *self.fallbacks)]
        return min((date for date in dates if date is not None), default=None)

    @property
    def _weighted(self) -> list[tuple[int, tuple[Upstream, int]]]:
        return list(enumerate(zip(self.members, self.weights, strict=True)))


def identity_of(members: Sequence[str], weights: Sequence[int], fallbacks: Sequence[str]) -> str:
    """Names what answers for a pool, by what answers for its upstreams."""
    held = repr((list(members), list(weights), list(fallbacks)))
    return blake2b(held.encode(), digest_size=32).hexdigest()


def _dearest(prices: Sequence[Price]) -> Price:
    return Price(
        input=max(max(price.input, price.cached_input or 0) for price in prices),
        output=max(max(price.output, price.reasoning or 0) for price in prices),
    )


def _draw(pick: str | None, name: str, weight: int) -> float:
    """The greatest of such draws falls on each member in proportion to its weight (Efraimidis and Spirakis, 2006)."""
    if pick is None:
        chance = random.random()  # noqa: S311 nothing secret
    else:
        chance = int.from_bytes(blake2b(f"{pick}\0{name}".encode(), digest_size=8).digest()) / 2**64
    return chance ** (1 / weight) if weight else chance - 1


class Plan:
    """Who of a declared pool is asked for one call: `first`, then `after` each failure the next."""

    __slots__ = ("_error", "_left", "_members", "_pool", "_repeats")

    def __init__(self, pool: Pool, pick: str | None = None) -> None:
        self._pool = pool
        self._members = list(pool.order(pick))
        self._left = list(pool.fallbacks)
        self._repeats = pool.retries
        self._error: GatewayError | None = None

    def first(self) -> tuple[Upstream, float]:
        """Whom to ask, and the seconds to wait before. Raises where all are being left alone."""
        found = self.another()
        if found is not None:
            return found, 0.0
        pool = self._pool
        soonest = min((*pool.members, *pool.fallbacks), key=lambda upstream: upstream.health.wait)
        health = soonest.health
        if health.state != "resting":
            message = f"{pool.name!r} is failing and is left alone for a moment. It said: {health.why}"
            raise Unavailable(message, code="upstream_circuit_open", retry_after=max(health.wait, SOON))
        if health.wait > LAST_PATIENCE:
            raise RateLimited(f"{pool.name!r} is busy. It said: {health.why}", retry_after=health.wait)
        return soonest, health.wait * random.uniform(1.0, 1.2)  # noqa: S311 not all at once

    def after(self, upstream: Upstream, error: GatewayError) -> tuple[Upstream, float] | None:
        """The next to ask, and the seconds to wait before; None where there is none, and `told` has the error."""
        fault = fault_of(error)
        if fault is not Fault.REQUEST:
            self._error = error.with_traceback(None)  # which holds frames, and they this plan
        elif self._error is None:
            return None
        found = self._next(self._members)
        if found is not None:
            return found, 0.0
        pause = self._pause(upstream, error, fault)
        if pause is not None and (fault is Fault.PASSING or pause <= PATIENCE or not self._left):
            return upstream, pause
        found = self._next(self._left)
        return (found, 0.0) if found is not None else None

    def told(self, error: GatewayError) -> GatewayError:
        """What the client is told when all is over: a fallback's refusal of a request that the upstreams before it
        never refused is not the client's."""
        last, self._error = self._error, None
        return last or error

    def another(self) -> Upstream | None:
        """One that has not been asked and can be."""
        return self._next(self._members) or self._next(self._left)

    def _next(self, row: list[Upstream]) -> Upstream | None:
        while row:
            upstream = row.pop(0)
            if upstream.health.admits():
                self._repeats = self._pool.retries
                return upstream
        return None

    def _pause(self, upstream: Upstream, error: GatewayError, fault: Fault) -> float | None:
        """Before the same upstream is asked again; None where it is not."""
        told = error.retry_after or 0.0
        if fault not in (Fault.PASSING, Fault.BUSY) or not self._repeats or told > LAST_PATIENCE:
            return None
        if upstream.health.state == "open" or not upstream.health.may_repeat():
            return None
        most = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._pool.retries - self._repeats))
        self._repeats -= 1
        return told or random.uniform(0, most)  # noqa: S311 full jitter
