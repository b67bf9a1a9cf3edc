"""`client.feedback` and `client.value`: what became of calls, and what that was worth."""

from __future__ import annotations

from typing import Any

from gateway.client.asynchronous.transport import AsyncTransport
from gateway.client.results import value as results
from gateway.client.results.reading import read, read_all


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


class AsyncValue:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get(
        self, endpoint: str, *, since: str | None = None, until: str | None = None, hourly_rate: float | None = None
    ) -> results.Value:
        """What an endpoint's calls cost and brought, `since` 30d ago where nothing is said. `hourly_rate` is what an
        hour saved is worth, in USD."""
        asked = {"endpoint": endpoint, "since": since, "until": until, "hourly_rate": hourly_rate}
        return read(results.Value, await self._transport.get("/admin/value", **asked))
