# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""`client.feedback` and `client.value`: what became of calls, and what that was worth."""

from __future__ import annotations

from typing import Any

from gateway.client.results import value as results
from gateway.client.results.reading import read, read_all
from gateway.client.synchronous.transport import Transport


class Feedback:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def give(self, call: str, **said: Any) -> results.Feedback:
        """Say something of a call, named by the reply's `x-request-id` or the id of a stored response: metric, source,
        score, outcome, correction, comment, value or minutes_saved. The same key saying it again says it instead."""
        return read(results.Feedback, self._transport.post("/v1/feedback", {"call": call, **said}, repeatable=True))

    def list(self, **filters: Any) -> tuple[results.Feedback, ...]:
        """Newest first. Filters are call, endpoint, release, rollout, metric, source, since, until, after and limit."""
        return read_all(results.Feedback, self._transport.get("/admin/feedback", **filters))


class Value:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(
        self, endpoint: str, *, since: str | None = None, until: str | None = None, hourly_rate: float | None = None
    ) -> results.Value:
        """What an endpoint's calls cost and brought, `since` 30d ago where nothing is said. `hourly_rate` is what an
        hour saved is worth, in USD."""
        asked = {"endpoint": endpoint, "since": since, "until": until, "hourly_rate": hourly_rate}
        return read(results.Value, self._transport.get("/admin/value", **asked))
