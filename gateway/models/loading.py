"""A model is loaded once, when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Loaded(Generic[T]):
    """What `load` gives, made in a thread at the first `get`. A caller that stops waiting does not stop the loading,
    and nobody loads twice; a load that failed is tried again by the next caller."""

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._task: asyncio.Task[T] | None = None

    async def get(self) -> T:
        if self._task is None or (self._task.done() and self._task.exception() is not None):
            self._task = asyncio.create_task(asyncio.to_thread(self._load))
            self._task.add_done_callback(_seen)
        return await asyncio.shield(self._task)

    async def take(self) -> T | None:
        """For closing: the value if it was ever asked for and could be had; forgotten here."""
        task, self._task = self._task, None
        if task is None:
            return None
        await asyncio.wait([task])
        return task.result() if task.exception() is None else None


def _seen(task: asyncio.Task[T]) -> None:
    """Marks a failure as seen: whoever waited has it, and nobody may have."""
    if not task.cancelled():
        task.exception()
