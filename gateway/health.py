"""How an upstream has been doing: the circuit breaker, and what may be asked of it again.

    closed ── failures outnumber successes by OPENS_AT within WINDOW ──▶ open ── its time is up ──▶ half-open
      ▲                                                                   ▲                          │ one call
      └────────────────────────── it succeeds ────────────────────────────┼──────── it fails ◀───────┘

An upstream that said when to come back (`Retry-After`) rests until then, whatever its breaker says.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable

OPENS_AT = 5
WINDOW = 10.0
"""Seconds in which failures are counted together."""
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0
"""Seconds the breaker stays open; twice as long each time the call that tries again fails."""
RETRY_SHARE = 0.1
MOST_RETRIES = 10.0
"""Calls that may be repeated at this upstream: a tenth of those it answered, and ten kept for bad times. Without this
bound, repeats would multiply the load of an upstream just as it is failing."""


class Health:
    """Of one upstream in one process. Belongs to the event loop; `clock` gives seconds that never go back."""

    __slots__ = ("_clock", "_failures", "_pause", "_probing", "_retries", "_until", "opened", "why")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: deque[float] = deque()
        self._until = 0.0
        self._pause = 0.0
        self._probing = False
        self._retries = MOST_RETRIES
        self.opened = 0
        """How often the breaker has opened."""
        self.why = ""
        """What went wrong last."""

    @property
    def state(self) -> str:
        """closed, open, half-open, or resting because it was told to."""
        if self._until > self._clock():
            return "open" if self._pause else "resting"
        return "half-open" if self._pause else "closed"

    @property
    def wait(self) -> float:
        """Seconds until it may be asked again; 0 where it may be now."""
        return max(0.0, self._until - self._clock()) if self._until else 0.0

    def admits(self) -> bool:
        """Whether it may be asked now. The call that is let through a half-open breaker must end in `succeeded`,
        `failed`, `rest` or `abandoned`."""
        if not self._until:
            return True
        if self._probing or self._until > self._clock():
            return False
        if self._pause:
            self._probing = True
        else:
            self._until = 0.0
        return True

    def may_repeat(self) -> bool:
        """Whether a call that failed here may be sent here again; takes one of those that may."""
        if self._retries < 1:
            return False
        self._retries -= 1
        return True

    def succeeded(self) -> None:
        if self._retries < MOST_RETRIES:
            self._retries += RETRY_SHARE
        if self._pause:
            self._probing, self._until, self._pause = False, 0.0, 0.0
            self._failures.clear()
        elif self._failures:
            self._failures.popleft()

    def failed(self, why: str) -> None:
        """It did not answer, or answered with a fault of its own."""
        self.why = why
        now = self._clock()
        if self._probing:
            self._open(now)
            return
        failures = self._failures
        failures.append(now)
        while failures[0] < now - WINDOW:
            failures.popleft()
        if len(failures) >= OPENS_AT and self._until <= now:
            self._open(now)

    def rest(self, seconds: float, why: str) -> None:
        """It is busy, and said for how long."""
        self.why = why
        self._probing = False
        self._until = max(self._until, self._clock() + seconds)

    def abandoned(self) -> None:
        """The call ended without telling anything about the upstream: its client left."""
        self._probing = False

    def _open(self, now: float) -> None:
        self.opened += 1
        self._probing = False
        self._failures.clear()
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
        self._until = now + self._pause * random.uniform(0.8, 1.2)  # noqa: S311 replicas must not all try at once
