# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""`client.rollouts`: a candidate's way to production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.client.results.reading import read, read_all
from gateway.client.results.rollouts import Rollout
from gateway.client.synchronous.transport import Transport
from gateway.paths import segment


class Rollouts:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def propose(
        self,
        endpoint: str,
        *,
        release: str | None = None,
        change: Mapping[str, Any] | None = None,
        plan: Mapping[str, Any] | None = None,
        reason: str = "",
        submit: bool = False,
    ) -> Rollout:
        """Propose a release, or the live one with parts changed (as `{"prompt": "greeter@3"}`): a draft, or with
        `submit` at the gate at once. Without a plan: a canary at 1, 5, 25 and 50 %."""
        body = {
            "endpoint": endpoint,
            "release": release,
            "change": change,
            "plan": plan or {},
            "reason": reason,
            "submit": submit,
        }
        return read(Rollout, self._transport.post("/admin/rollouts", body))

    def list(self, *, endpoint: str | None = None, state: str | None = None, limit: int = 100) -> tuple[Rollout, ...]:
        """Newest first. `state` is open, running, paused, live, aborted or rolled_back."""
        return read_all(Rollout, self._transport.get("/admin/rollouts", endpoint=endpoint, state=state, limit=limit))

    def get(self, rollout: str) -> Rollout:
        """One, with its history, what people said of it, and what the gate says."""
        return read(Rollout, self._transport.get(_at(rollout)))

    def submit(self, rollout: str) -> Rollout:
        """From draft to the gate."""
        return read(Rollout, self._transport.post(f"{_at(rollout)}/submit"))

    def pause(self, rollout: str, reason: str = "") -> Rollout:
        """Stay where it is; where it does harm, it ends all the same."""
        return read(Rollout, self._transport.post(f"{_at(rollout)}/pause", {"reason": reason}))

    def resume(self, rollout: str, reason: str = "") -> Rollout:
        return read(Rollout, self._transport.post(f"{_at(rollout)}/resume", {"reason": reason}))

    def abort(self, rollout: str, reason: str = "") -> Rollout:
        """End it; its release needs new evidence to be tried again."""
        return read(Rollout, self._transport.post(f"{_at(rollout)}/abort", {"reason": reason}))

    def approve(self, rollout: str, note: str = "", *, conditions: Sequence[str] = ()) -> Rollout:
        """Agree, as somebody other than its author; `conditions` must be met before it goes live."""
        body = {"note": note, "conditions": list(conditions)}
        return read(Rollout, self._transport.post(f"{_at(rollout)}/approve", body))

    def reject(self, rollout: str, reason: str = "") -> Rollout:
        """Refuse it: the rollout ends."""
        return read(Rollout, self._transport.post(f"{_at(rollout)}/reject", {"reason": reason}))

    def meet(self, rollout: str, condition: int) -> Rollout:
        """Say that a condition, counted from 1 over all approvals, is met."""
        return read(Rollout, self._transport.post(f"{_at(rollout)}/conditions/{condition}/meet"))


def _at(rollout: str) -> str:
    return f"/admin/rollouts/{segment(rollout)}"
