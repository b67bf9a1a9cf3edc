"""How fast a target is asked: so many requests a minute, and not before it said."""

from __future__ import annotations

import asyncio


class Pace:
    """Requests are spread evenly. Without a rate they wait only where the target asked for it."""

    def __init__(self, per_minute: float | None = None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when the next request may be made."""
        if not self._next and not self._gap:
            return
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)

    def hold(self, seconds: float) -> None:
        """Nobody asks for so long: the target said that it is asked too much."""
        self._next = max(self._next, asyncio.get_running_loop().time() + seconds)
