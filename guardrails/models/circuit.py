"""A circuit breaker: after failures in a row nobody waits for a server that is down. (Nygard, 2007, "Release It!".)"""

from __future__ import annotations

import time
from collections.abc import Callable


class Circuit:
    """Closed at first. After `failures` in a row it is open for `rest` seconds, in which nobody is let through; then
    one is, who tries it: an answer closes it, a failure opens it anew. Belongs to one thread."""

    def __init__(self, failures: int, rest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._rest, self._clock = failures, rest, clock
        self._failed = 0
        self._until = 0.0
        self._trying: object | None = None

    @property
    def open(self) -> bool:
        """Whether the last thing known of the server is that it is down."""
        return self._failed >= self._most

    def enter(self) -> object | None:
        """For one who is let through a token, to `leave` with whatever comes of it; None for one who is not."""
        token = object()
        if self.open:
            if self._trying is not None or self._clock() < self._until:
                return None
            self._trying = token
        return token

    def leave(self, token: object) -> None:
        if self._trying is token:
            self._trying = None

    def answered(self) -> None:
        self._failed = 0

    def failed(self) -> None:
        self._failed += 1
        self._until = self._clock() + self._rest

    def trip(self) -> None:
        """It is known to be down, whatever came before."""
        self._failed = max(self._failed, self._most - 1)
        self.failed()
