"""`AsyncClient`: one gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from gateway.client.asynchronous.audit import AsyncAudit
from gateway.client.asynchronous.endpoints import AsyncEndpoints
from gateway.client.asynchronous.evidence import AsyncDecisions, AsyncEvidence
from gateway.client.asynchronous.feedback import AsyncFeedback, AsyncValue
from gateway.client.asynchronous.prompts import AsyncPrompts
from gateway.client.asynchronous.releases import AsyncReleases
from gateway.client.asynchronous.reviews import AsyncReviews
from gateway.client.asynchronous.rollouts import AsyncRollouts
from gateway.client.asynchronous.transport import AsyncTransport
from gateway.client.asynchronous.webhooks import AsyncWebhooks
from gateway.client.disk import Disk


class AsyncClient:
    """A gateway, asked as whoever `key` belongs to. Raises the errors of `gateway.errors`, as the gateway told them;
    where none answers, `Unavailable` with the code `gateway_unreachable`. `url` begins with http:// or https://.

    `timeout` is in seconds, for each attempt; `retries` are those after the first. A prompt that was read is fresh for
    `ttl` seconds; `cache_dir` keeps the last known ones over restarts.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 30.0,
        retries: int = 2,
        ttl: float = 60.0,
        cache_dir: Path | str | None = None,
    ) -> None:
        self._transport = AsyncTransport(url, key, timeout, retries)
        disk = Disk(Path(cache_dir), self._transport.url) if cache_dir is not None else None
        self.prompts = AsyncPrompts(self._transport, disk, ttl)
        self.releases = AsyncReleases(self._transport)
        self.endpoints = AsyncEndpoints(self._transport)
        self.rollouts = AsyncRollouts(self._transport)
        self.evidence = AsyncEvidence(self._transport)
        self.decisions = AsyncDecisions(self._transport)
        self.feedback = AsyncFeedback(self._transport)
        self.reviews = AsyncReviews(self._transport)
        self.value = AsyncValue(self._transport)
        self.audit = AsyncAudit(self._transport)
        self.webhooks = AsyncWebhooks(self._transport)

    async def aclose(self) -> None:
        """Ends what goes on in the background, and the connections."""
        await self.prompts.aclose()
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()
