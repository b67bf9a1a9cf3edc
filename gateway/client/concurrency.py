"""What the two halves of the client do differently: waiting, one at a time, and in the background.

`scripts/unasync.py` makes the synchronous half from the asynchronous one by leaving `Async` and `await` out, so each
thing here has a twin without `Async` in its name.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

AsyncLock = asyncio.Lock
Lock = threading.Lock

async_sleep = asyncio.sleep
sleep = time.sleep


class AsyncBackground:
    """Work that nobody waits for, as tasks. What it raises is its own to handle."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Callable[..., Awaitable[None]], *given: Any) -> None:
        task = asyncio.ensure_future(work(*given))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Cancel what has not ended."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Background:
    """Work that nobody waits for, in threads that do not keep the process alive. What it raises is its own to
    handle."""

    def __init__(self) -> None:
        self._threads: set[threading.Thread] = set()

    def start(self, work: Callable[..., None], *given: Any) -> None:
        self._threads = {thread for thread in self._threads if thread.is_alive()}
        thread = threading.Thread(target=work, args=given, name="sluicegate-client", daemon=True)
        thread.start()
        self._threads.add(thread)

    def close(self) -> None:
        """Wait for what has not ended."""
        for thread in tuple(self._threads):
            thread.join()
