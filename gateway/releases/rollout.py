"""A rollout: a candidate release's way to production, as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.releases.plan import Plan
from gateway.types import Json


class Stage(StrEnum):
    """Where a candidate is. Each of them can be left out of a plan but the first, the gate and the last."""

    DRAFT = "draft"
    GATE = "gate"
    SHADOW = "shadow"
    CANARY = "canary"
    LIVE = "live"


class State(StrEnum):
    """Running and paused are open; the others are the ends."""

    RUNNING = "running"
    PAUSED = "paused"
    LIVE = "live"
    ABORTED = "aborted"
    ROLLED_BACK = "rolled_back"


OPEN = frozenset((State.RUNNING, State.PAUSED))


@dataclass(frozen=True, slots=True)
class Rollout:
    """Times are Unix times; `entered` is when its stage or step began. `control` is the release that was live when it
    was proposed, None where there was none. `identity` names what answers for the candidate's upstream, "" in draft.
    `moves` counts its changes. `why` says in words where it stands."""

    id: str
    endpoint: str
    release: str
    control: str | None
    plan: Plan
    reason: str
    author: str
    author_key: str
    created: float
    stage: Stage
    step: int
    state: State
    entered: float
    updated: float
    salt: str
    identity: str
    analysis: Json | None
    why: str
    moves: int

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def weight(self) -> float:
        """The share of units that the candidate answers: a paused canary keeps what it has."""
        canary = self.plan.canary
        return canary.steps[self.step] if self.open and self.stage is Stage.CANARY and canary is not None else 0.0


@dataclass(frozen=True, slots=True)
class Condition:
    """What must come true before a release that was approved under it goes live."""

    text: str
    met: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Approval:
    """What a second person said; a refusal where not `approved`."""

    at: float
    by: str
    approved: bool
    note: str
    conditions: Sequence[Condition]

    @property
    def unmet(self) -> list[str]:
        return [condition.text for condition in self.conditions if condition.met is None]
