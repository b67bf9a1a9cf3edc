# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""`client.endpoints`: what serves, what protects it, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.client.results.reading import read, read_all
from gateway.client.results.releases import Breaking, GateChange, RolledBack, Serving
from gateway.client.results.rollouts import Endpoint
from gateway.client.synchronous.transport import Transport
from gateway.paths import segment


class Endpoints:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> tuple[Serving, ...]:
        """What serves where, and what is tried beside it."""
        return read_all(Serving, self._transport.get("/admin/endpoints"))

    def get(self, name: str) -> Endpoint:
        """One, with its history."""
        return read(Endpoint, self._transport.get(f"/admin/endpoints/{segment(name)}"))

    def roll_back(self, name: str, reason: str, to: str | None = None) -> RolledBack:
        """Take away what came last: the candidate of an open canary, else the live release. `to` is a release that was
        live before; without it, the last good one."""
        path = f"/admin/endpoints/{segment(name)}/rollback"
        return read(RolledBack, self._transport.post(path, {"reason": reason, "to": to}))

    def break_glass(self, name: str, release: str, reason: str) -> Breaking:
        """Go live at once with what has passed its gate; red until a second person has reviewed it."""
        path = f"/admin/endpoints/{segment(name)}/break-glass"
        return read(Breaking, self._transport.post(path, {"release": release, "reason": reason}))

    def breakings(self, *, unreviewed: bool = False) -> tuple[Breaking, ...]:
        """Newest first."""
        return read_all(Breaking, self._transport.get("/admin/breakings", unreviewed=unreviewed))

    def review(self, breaking: str, note: str) -> Breaking:
        """Say that you have looked at what somebody else did."""
        path = f"/admin/breakings/{segment(breaking)}/review"
        return read(Breaking, self._transport.post(path, {"note": note}))

    def put_gate(self, name: str, gate: Mapping[str, Any] | None, reason: str = "") -> GateChange | None:
        """Protect an endpoint, at once. For one that is protected, the change that waits for a second person."""
        path = f"/admin/endpoints/{segment(name)}/gate"
        body = self._transport.put(path, {"gate": gate, "reason": reason})
        return read(GateChange, body["change"]) if body["change"] is not None else None

    def gate_changes(self, state: str | None = None) -> tuple[GateChange, ...]:
        """Newest first; `state` is waiting, approved or refused."""
        return read_all(GateChange, self._transport.get("/admin/gate-changes", state=state))

    def approve_gate(self, change: str) -> GateChange:
        """Bring a gate that somebody else proposed into force."""
        return read(GateChange, self._transport.post(f"/admin/gate-changes/{segment(change)}/approve"))

    def reject_gate(self, change: str) -> GateChange:
        """Refuse it."""
        return read(GateChange, self._transport.post(f"/admin/gate-changes/{segment(change)}/reject"))
