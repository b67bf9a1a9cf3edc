"""`client.rollouts`: a candidate's way to production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.client.asynchronous.transport import AsyncTransport
from gateway.client.results.reading import read, read_all
from gateway.client.results.rollouts import Rollout
from gateway.paths import segment


class AsyncRollouts:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def propose(
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
        return read(Rollout, await self._transport.post("/admin/rollouts", body))

    async def list(
        self, *, endpoint: str | None = None, state: str | None = None, limit: int = 100
    ) -> tuple[Rollout, ...]:
        """Newest first. `state` is open, running, paused, live, aborted or rolled_back."""
        return read_all(
            Rollout, await self._transport.get("/admin/rollouts", endpoint=endpoint, state=state, limit=limit)
        )

    async def get(self, rollout: str) -> Rollout:
        """One, with its history, what people said of it, and what the gate says."""
        return read(Rollout, await self._transport.get(_at(rollout)))

    async def submit(self, rollout: str) -> Rollout:
        """From draft to the gate."""
        return read(Rollout, await self._transport.post(f"{_at(rollout)}/submit"))

    async def pause(self, rollout: str, reason: str = "") -> Rollout:
        """Stay where it is; where it does harm, it ends all the same."""
        return read(Rollout, await self._transport.post(f"{_at(rollout)}/pause", {"reason": reason}))

    async def resume(self, rollout: str, reason: str = "") -> Rollout:
        return read(Rollout, await self._transport.post(f"{_at(rollout)}/resume", {"reason": reason}))

    async def abort(self, rollout: str, reason: str = "") -> Rollout:
        """End it; its release needs new evidence to be tried again."""
        return read(Rollout, await self._transport.post(f"{_at(rollout)}/abort", {"reason": reason}))

    async def approve(self, rollout: str, note: str = "", *, conditions: Sequence[str] = ()) -> Rollout:
        """Agree, as somebody other than its author; `conditions` must be met before it goes live."""
        body = {"note": note, "conditions": list(conditions)}
        return read(Rollout, await self._transport.post(f"{_at(rollout)}/approve", body))

    async def reject(self, rollout: str, reason: str = "") -> Rollout:
        """Refuse it: the rollout ends."""
        return read(Rollout, await self._transport.post(f"{_at(rollout)}/reject", {"reason": reason}))

    async def meet(self, rollout: str, condition: int) -> Rollout:
        """Say that a condition, counted from 1 over all approvals, is met."""
        return read(Rollout, await self._transport.post(f"{_at(rollout)}/conditions/{condition}/meet"))


def _at(rollout: str) -> str:
    return f"/admin/rollouts/{segment(rollout)}"
