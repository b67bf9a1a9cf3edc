"""`client.feedback`: what became of calls."""

from __future__ import annotations

from typing import Any

import gateway.client.results as results
from gateway.client.asynchronous.transport import AsyncTransport
from gateway.client.results import read, read_all


class AsyncFeedback:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def give(self, call: str, **said: Any) -> results.Feedback:
        """Say something of a call, named by the reply's `x-request-id` or the id of a stored response: metric, source,
        score, outcome, correction, comment, value or minutes_saved. The same key saying it again says it instead."""
        return read(
            results.Feedback, await self._transport.post("/v1/feedback", {"call": call, **said}, repeatable=True)
        )

    async def list(self, **filters: Any) -> tuple[results.Feedback, ...]:
        """Newest first. Filters are call, endpoint, release, rollout, metric, source, since, until, after and limit."""
        return read_all(results.Feedback, await self._transport.get("/admin/feedback", **filters))
