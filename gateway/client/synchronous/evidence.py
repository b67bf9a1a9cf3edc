# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""`client.evidence` and `client.decisions`: what is known of releases, and what was decided on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.client.results import rollouts as results
from gateway.client.results.reading import read, read_all
from gateway.client.synchronous.transport import Transport
from gateway.paths import segment


class Evidence:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def post(self, items: Mapping[str, Any]) -> results.Evidence:
        """Results of an eval run, item by item. The gateway works out the verdict itself; the same results are the same
        evidence."""
        return read(results.Evidence, self._transport.post("/admin/evidence", items, repeatable=True))

    def list(self, release: str) -> tuple[results.Evidence, ...]:
        """What there is for a release, newest first."""
        return read_all(results.Evidence, self._transport.get("/admin/evidence", release=release))

    def get(self, evidence: str) -> results.Evidence:
        """One piece, whole, with the installation's signature."""
        return read(results.Evidence, self._transport.get(f"/admin/evidence/{segment(evidence)}"))


class Decisions:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def record(self, endpoint: str, release: str, outcome: str, reason: str, **more: Any) -> results.Decision:
        """Record what people decided: `go`, `go_with_conditions`, `no_go`, or `return_to_phase` with a `phase`; and
        forecast, risks, evidence and expires as far as there are any. It moves nothing by itself."""
        body = {"endpoint": endpoint, "release": release, "outcome": outcome, "reason": reason, **more}
        return read(results.Decision, self._transport.post("/admin/decisions", body))

    def list(self, endpoint: str | None = None, *, limit: int = 100) -> tuple[results.Decision, ...]:
        """Newest first, those that rollouts recorded by themselves among them."""
        return read_all(results.Decision, self._transport.get("/admin/decisions", endpoint=endpoint, limit=limit))

    def get(self, decision: str) -> results.Decision:
        return read(results.Decision, self._transport.get(f"/admin/decisions/{segment(decision)}"))
