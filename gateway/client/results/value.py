"""Feedback, and what calls were worth."""

from __future__ import annotations

from msgspec import Struct

from gateway.types import Json


class Feedback(Struct, frozen=True):
    """What was said of a call. `bound` is False while the call's own record is on its way."""

    id: str
    call: str
    at: float
    key_id: str
    by: str
    source: str
    metric: str
    score: float | None
    outcome: str | None
    correction: str | None
    comment: str | None
    value: int | None
    minutes_saved: float | None
    endpoint: str | None
    release: str | None
    rollout: str | None
    arm: str | None
    bound: bool


class Value(Struct, frozen=True):
    """The KPI tree of an endpoint: of all its calls, of each release's, and of the arms of its rollouts. Each figure is
    an `estimate` with the bounds of its 95 % interval; latencies are in milliseconds."""

    endpoint: str
    since: float
    until: float
    hourly_rate: float | None
    share: float
    served: Json
    releases: tuple[Json, ...]
    rollouts: tuple[Json, ...]
