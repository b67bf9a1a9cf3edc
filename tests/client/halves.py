"""Both halves of the client under the same tests: what one gives, the other gives to whoever awaits it."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

from gateway.client import AsyncClient, Client
from gateway.client.asynchronous.prompt_cache import AsyncPromptCache
from gateway.client.asynchronous.transport import AsyncTransport
from gateway.client.disk import Disk, Wanted
from gateway.client.synchronous.prompt_cache import PromptCache
from gateway.client.synchronous.transport import Transport

T = TypeVar("T")


class Half:
    """One of them. Typed as the synchronous one, whatever it is."""

    def __init__(self, runner: asyncio.Runner | None) -> None:
        self._runner = runner

    def client(self, url: str, key: str, **options: Any) -> Client:
        made: Any = AsyncClient if self._runner else Client
        return made(url, key, **options)  # type: ignore[no-any-return]

    def transport(self, url: str, retries: int) -> Transport:
        made: Any = AsyncTransport if self._runner else Transport
        return made(url, "sk-test", 5.0, retries)  # type: ignore[no-any-return]

    def cache(
        self, fetch: Callable[[Wanted], Any], disk: Disk | None, ttl: float, clock: Callable[[], float]
    ) -> PromptCache:
        if self._runner is None:
            return PromptCache(fetch, disk, ttl, clock)

        async def fetch_later(wanted: Wanted) -> Any:
            await asyncio.sleep(0)
            return fetch(wanted)

        made: Any = AsyncPromptCache(fetch_later, disk, ttl, clock)
        return made  # type: ignore[no-any-return]

    def run(self, made: T) -> T:
        """What a call gave, awaited where that half needs it."""
        if self._runner is not None and inspect.iscoroutine(made):
            return self._runner.run(made)  # type: ignore[no-any-return]
        return made

    def close(self, opened: Any) -> None:
        self.run(opened.aclose() if self._runner else opened.close())

    def until(self, holds: Callable[[], bool]) -> None:
        """Let the background work until that holds."""
        for _ in range(500):
            if holds():
                return
            if self._runner is not None:
                self._runner.run(asyncio.sleep(0.01))
            else:
                time.sleep(0.01)
        raise AssertionError("it never came to that")
