# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""`Client`: one gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from gateway.client.disk import Disk
from gateway.client.synchronous.audit import Audit
from gateway.client.synchronous.endpoints import Endpoints
from gateway.client.synchronous.evidence import Decisions, Evidence
from gateway.client.synchronous.feedback import Feedback, Value
from gateway.client.synchronous.prompts import Prompts
from gateway.client.synchronous.releases import Releases
from gateway.client.synchronous.reviews import Reviews
from gateway.client.synchronous.rollouts import Rollouts
from gateway.client.synchronous.transport import Transport
from gateway.client.synchronous.webhooks import Webhooks


class Client:
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
        self._transport = Transport(url, key, timeout, retries)
        disk = Disk(Path(cache_dir), self._transport.url) if cache_dir is not None else None
        self.prompts = Prompts(self._transport, disk, ttl)
        self.releases = Releases(self._transport)
        self.endpoints = Endpoints(self._transport)
        self.rollouts = Rollouts(self._transport)
        self.evidence = Evidence(self._transport)
        self.decisions = Decisions(self._transport)
        self.feedback = Feedback(self._transport)
        self.reviews = Reviews(self._transport)
        self.value = Value(self._transport)
        self.audit = Audit(self._transport)
        self.webhooks = Webhooks(self._transport)

    def close(self) -> None:
        """Ends what goes on in the background, and the connections."""
        self.prompts.close()
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
