"""Prompts that were read before: at hand at once, renewed in the background, there while the gateway is away.

What the gateway says counts: a label that it does not know any more is refused here too, once that is noticed. Only its
silence is bridged, by what was known last, in memory or on disk.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.client.concurrency import AsyncBackground, AsyncLock
from gateway.client.disk import Disk, Wanted
from gateway.client.prompt import Prompt
from gateway.errors import GatewayError, Unavailable
from gateway.types import Json

log = logging.getLogger(__name__)

AWAY = 2.0
"""Seconds before a gateway that did not answer is asked again."""


@dataclass(frozen=True, slots=True)
class Held:
    """A prompt, or why there is none; until `due`, in seconds of the clock."""

    known: Prompt | GatewayError
    due: float


class AsyncPromptCache:
    """`fetch` asks the gateway. A label's prompt is fresh for `ttl` seconds, a numbered one for ever. Each is asked for
    by one at a time."""

    def __init__(
        self,
        fetch: Callable[[Wanted], Awaitable[Json]],
        disk: Disk | None,
        ttl: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._disk = disk
        self._ttl = ttl
        self._clock = clock
        self._held: dict[Wanted, Held] = {}
        self._locks: dict[Wanted, AsyncLock] = {}
        self._background = AsyncBackground()

    async def get(self, wanted: Wanted, fallback: Prompt | None = None) -> Prompt:
        """Waits for the gateway only where nothing is known. Raises its refusal, or `Unavailable` where it is away and
        there is no `fallback` either."""
        held = self._held.get(wanted)
        if held is None or (self._due(held) and not isinstance(held.known, Prompt)):
            held = await self._first(wanted)
        elif self._due(held) and not self._lock(wanted).locked():
            self._background.start(self._renew, wanted)
        if isinstance(held.known, Prompt):
            return held.known
        if fallback is not None:
            return fallback
        raise held.known

    async def aclose(self) -> None:
        await self._background.aclose()

    def _lock(self, wanted: Wanted) -> AsyncLock:
        return self._locks.setdefault(wanted, AsyncLock())

    def _due(self, held: Held) -> bool:
        return self._clock() >= held.due

    async def _first(self, wanted: Wanted) -> Held:
        async with self._lock(wanted):
            held = self._held.get(wanted)
            if held is not None and not self._due(held):
                return held  # somebody else was faster
            return await self._ask(wanted)

    async def _renew(self, wanted: Wanted) -> None:
        async with self._lock(wanted):
            held = self._held.get(wanted)
            if held is None or not self._due(held):
                return
            try:
                await self._ask(wanted)
            except GatewayError as error:
                log.warning("the prompt %s is refused from now on: %s", wanted, error.message)

    async def _ask(self, wanted: Wanted) -> Held:
        try:
            body = await self._fetch(wanted)
            known: Prompt | GatewayError = Prompt.read(body)
        except GatewayError as error:
            if error.status < 500 and error.status != 429:
                self._forget(wanted)
                raise
            log.warning("the prompt %s is not renewed: %s", wanted, error.message)
            before = self._held.get(wanted)
            known = before.known if before is not None else self._kept(wanted) or error
            held = Held(known, self._clock() + AWAY)
        else:
            if self._disk is not None:
                self._disk.keep(wanted, body)
            held = Held(known, self._clock() + self._ttl if wanted.version is None else math.inf)
        self._held[wanted] = held
        return held

    def _kept(self, wanted: Wanted) -> Prompt | None:
        body = self._disk.load(wanted) if self._disk is not None else None
        try:
            return Prompt.read(body) if body is not None else None
        except Unavailable as error:
            log.warning("the kept prompt %s cannot be used: %s", wanted, error.message)
            return None

    def _forget(self, wanted: Wanted) -> None:
        self._held.pop(wanted, None)
        if self._disk is not None:
            self._disk.forget(wanted)
