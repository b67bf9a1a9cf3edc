"""What a process lends its guards: models, its own or those of a scoring server, and connections to other servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from guardrails.models.cached import CachedModels
from guardrails.models.connected import ConnectedModels
from guardrails.models.local import LocalModels
from guardrails.models.remote import TIMEOUT, RemoteModels
from guardrails.models.transformers_classifier import WithClassifiers


@dataclass(frozen=True, slots=True)
class Lent:
    """`fault` gives a sentence while the models cannot be asked; None while they can."""

    models: ConnectedModels
    fault: Callable[[], str | None]


@asynccontextmanager
async def lent(
    server: str | None = None, token: str | None = None, patience: float = TIMEOUT, own: Path | None = None
) -> AsyncIterator[Lent]:
    """For the length of the context. `server` is the URL of a scoring server, `token` its bearer, `patience` the
    seconds that an answer of it may take; without one the models are of this process, as classifiers of others always
    are, and `own` is the folder of those that are not shipped."""
    async with AsyncExitStack() as ending:
        ours: LocalModels | RemoteModels
        if server is None:
            ours = local = LocalModels(own)
            ending.push_async_callback(asyncio.to_thread, local.close)
        else:
            ours = remote = RemoteModels(server, token, timeout=patience)
            ending.push_async_callback(remote.close)
        classifiers = WithClassifiers(ours)
        ending.push_async_callback(asyncio.to_thread, classifiers.close)
        connected = ConnectedModels(CachedModels(classifiers))
        ending.push_async_callback(connected.close)
        yield Lent(connected, lambda: ours.fault if isinstance(ours, RemoteModels) else None)
