"""Waiting for what comes to pass in its own time, and giving up when it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """For what happens in the test's own event loop."""
    for _ in range(2000):
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to pass")


def wait_until(condition: Callable[[], bool]) -> None:
    """For what happens in another thread or process, which is to have most of the machine meanwhile."""
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")
