"""`client.evidence` and `client.decisions`: what is known of releases, and what was decided on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.client.asynchronous.transport import AsyncTransport
from gateway.client.results import rollouts as results
from gateway.client.results.reading import read, read_all
from gateway.paths import segment


class AsyncEvidence:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def post(self, items: Mapping[str, Any]) -> results.Evidence:
        """Results of an eval run, item by item. The gateway works out the verdict itself; the same results are the same
        evidence."""
        return read(results.Evidence, await self._transport.post("/admin/evidence", items, repeatable=True))

    async def list(self, release: str) -> tuple[results.Evidence, ...]:
        """What there is for a release, newest first."""
        return read_all(results.Evidence, await self._transport.get("/admin/evidence", release=release))

    async def get(self, evidence: str) -> results.Evidence:
        """One piece, whole, with the installation's signature."""
        return read(results.Evidence, await self._transport.get(f"/admin/evidence/{segment(evidence)}"))


class AsyncDecisions:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def record(self, endpoint: str, release: str, outcome: str, reason: str, **more: Any) -> results.Decision:
        """Record what people decided: `go`, `go_with_conditions`, `no_go`, or `return_to_phase` with a `phase`; and
        forecast, risks, evidence and expires as far as there are any. It moves nothing by itself."""
        body = {"endpoint": endpoint, "release": release, "outcome": outcome, "reason": reason, **more}
        return read(results.Decision, await self._transport.post("/admin/decisions", body))

    async def list(self, endpoint: str | None = None, *, limit: int = 100) -> tuple[results.Decision, ...]:
        """Newest first, those that rollouts recorded by themselves among them."""
        return read_all(results.Decision, await self._transport.get("/admin/decisions", endpoint=endpoint, limit=limit))

    async def get(self, decision: str) -> results.Decision:
        return read(results.Decision, await self._transport.get(f"/admin/decisions/{segment(decision)}"))
