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

    def list(
        self, release: str | None = None, *, suite: str | None = None, limit: int = 100
    ) -> tuple[results.Evidence, ...]:
        """What there is, of a release, of a suite or of all, newest first."""
        asked = {"release": release, "suite": suite, "limit": limit}
        return read_all(results.Evidence, self._transport.get("/admin/evidence", **asked))

    def get(self, evidence: str) -> results.Evidence:
        """One piece, whole, with the installation's signature."""
        return read(results.Evidence, self._transport.get(f"/admin/evidence/{segment(evidence)}"))

    def overview(self, evidence: str) -> results.EvidenceOverview:
        """What one piece says: metrics with intervals, slices, what changed and in which items, judges."""
        path = f"/admin/evidence/{segment(evidence)}/overview"
        return read(results.EvidenceOverview, self._transport.get(path))

    def suites(self, *, limit: int = 100) -> tuple[results.SuiteRuns, ...]:
        """The suites that evidence is of, those that were run last first."""
        return read_all(results.SuiteRuns, self._transport.get("/admin/suites", limit=limit))


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
