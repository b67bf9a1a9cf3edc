"""Releases, and the endpoints that serve them."""

from __future__ import annotations

from msgspec import Struct

from gateway.types import Json


class Release(Struct, frozen=True):
    """All that a release is made of."""

    digest: str
    prompt: Json | None
    upstream: str
    parameters: Json
    tools: tuple[Json, ...]
    response_format: Json | None
    policy: str | None


class AppliedChange(Struct, frozen=True):
    kind: str
    name: str
    outcome: str
    digest: str | None


class Serving(Struct, frozen=True):
    """An endpoint in the list of them: what serves, and what is tried beside it."""

    name: str
    description: str | None
    release: str | None
    prompt: str | None
    upstream: str | None
    parameters: Json
    updated: float
    protected: bool
    broken: str | None
    trial: str | None
    unreviewed: int


class Lived(Struct, frozen=True):
    """A time at which a release went live."""

    release: str
    at: float
    by: str
    reason: str


class Breaking(Struct, frozen=True):
    """A release that went live without a second person; red until `reviewed`."""

    id: str
    endpoint: str
    release: str
    at: float | None = None
    by: str | None = None
    reason: str | None = None
    reviewed: float | None = None
    reviewed_by: str | None = None
    review: str | None = None


class GateChange(Struct, frozen=True):
    """`gate` of None would end the protection. `state` is waiting, approved or refused."""

    id: str
    endpoint: str
    gate: Json | None
    reason: str
    author: str
    created: float
    state: str
    decided: float | None
    decided_by: str | None


class RolledBack(Struct, frozen=True):
    """What serves now, and what did before."""

    name: str
    release: str | None
    before: str | None
