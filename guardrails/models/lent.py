"""The models that a process lends its guards: its own, or those of a scoring server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from guardrails.models.cached import CachedModels
from guardrails.models.local import LocalModels
from guardrails.models.remote import TIMEOUT, RemoteModels


@dataclass(frozen=True, slots=True)
class Lent:
    """`fault` gives a sentence while the models cannot be asked; None while they can."""

    models: CachedModels
    fault: Callable[[], str | None]


@asynccontextmanager
async def lent(server: str | None = None, token: str | None = None, patience: float = TIMEOUT) -> AsyncIterator[Lent]:
    """For the length of the context. `server` is the URL of a scoring server, `token` its bearer, `patience` the
    seconds that an answer of it may take; without one the models are of this process."""
    if server is None:
        local = LocalModels()
        try:
            yield Lent(CachedModels(local), lambda: None)
        finally:
            await asyncio.to_thread(local.close)
        return
    remote = RemoteModels(server, token, timeout=patience)
    try:
        yield Lent(CachedModels(remote), lambda: remote.fault)
    finally:
        await remote.close()
