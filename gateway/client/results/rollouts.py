"""Rollouts, the evidence they need, and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.client.results.releases import Breaking, Lived
from gateway.types import Json


class Approval(Struct, frozen=True):
    at: float
    by: str
    approved: bool
    note: str
    conditions: tuple[Json, ...]


class Step(Struct, frozen=True):
    """One step of a rollout's history."""

    at: float
    by: str
    action: str
    stage: str
    step: int
    reason: str
    detail: Json | None


class Rollout(Struct, frozen=True):
    """A candidate's way to production, as it stands: `stage` is draft, gate, shadow, canary or live; `state` running,
    paused, live, aborted or rolled_back; `why` says in words what it waits for or why it ended. What people said, its
    history and what the gate says come with `rollouts.get` alone."""

    id: str
    endpoint: str
    release: str
    control: str | None
    stage: str
    step: int
    steps: tuple[float, ...]
    weight: float
    state: str
    why: str
    reason: str
    author: str
    plan: Json
    analysis: Any
    created: float
    entered: float
    updated: float
    approvals: tuple[Approval, ...] = ()
    history: tuple[Step, ...] = ()
    gate: Any = None

    @property
    def open(self) -> bool:
        """It has not ended."""
        return self.state in ("running", "paused")


class Endpoint(Struct, frozen=True):
    """An endpoint with its history: what is live, what was last good, what is tried, and what protects it."""

    name: str
    description: str | None
    release: str | None
    last_good: str | None
    protected: bool
    gate: Json | None
    broken: str | None
    rollout: Rollout | None
    unreviewed: tuple[Breaking, ...]
    history: tuple[Lived, ...]


class Evidence(Struct, frozen=True):
    """What was accepted for a release. `metrics` has the mean of each, of `candidate` and `baseline`; `cost` is in
    micro-USD. Its `body` and the installation's signature over it come with `evidence.get` alone."""

    id: str
    release: str
    kind: str
    suite: str | None
    baseline: str | None
    items: int | None
    at: float
    by: str
    digest: str
    name: str | None = None
    dataset: str | None = None
    cost: int | None = None
    metrics: Mapping[str, Mapping[str, float]] = {}
    body: Json | None = None
    signature: str | None = None
    public_key: str | None = None


class EvidenceOverview(Struct, frozen=True):
    """What one piece of evidence says: of each of `metrics` its interval, its slices, what changed and in which items;
    of each of `judges` how good it is. As the API's reference has them."""

    id: str
    release: str
    suite: str | None
    name: str | None
    baseline: str | None
    metrics: tuple[Json, ...]
    judges: tuple[Json, ...]
    contamination: Json | None = None


class SuiteRuns(Struct, frozen=True):
    """A suite, by its digest, as far as evidence tells of it. `name` and `metrics` are the newest run's; times are
    Unix times."""

    suite: str
    runs: int
    releases: int
    first: float
    last: float
    name: str | None = None
    dataset: str | None = None
    items: int | None = None
    metrics: Mapping[str, Mapping[str, float]] = {}


class Decision(Struct, frozen=True):
    """A signed decision record. `genuine` says whether it is as it was signed, `expired` whether it must be taken
    anew."""

    id: str
    endpoint: str
    release: str
    rollout: str | None
    at: float
    outcome: str
    expires: float | None
    body: Json
    digest: str
    signature: str
    expired: bool
    genuine: bool
