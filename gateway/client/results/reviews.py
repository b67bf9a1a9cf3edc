"""What guards did, and what people decided on it."""

from __future__ import annotations

from msgspec import Struct

from gateway.types import Json


class Review(Struct, frozen=True):
    """A call in the queue; `review` is the most that a guard did, or None where it is not in it. `guards` are those
    that it is here for, `passages` what they judged, which a list does not tell."""

    call: str
    started: int
    endpoint: str | None
    release: str | None
    surface: str
    team: str | None
    project: str | None
    status: int
    error: str | None
    review: str | None
    guards: tuple[Json, ...]
    decisions: tuple[Json, ...]
    passages: tuple[Json, ...] = ()


class ReviewDecision(Struct, frozen=True):
    """A decision, and what came of it: `new` where it was not so before; `policy` is the digest of the policy that was
    made ready, None where none is needed, and `why` says so. `rule` is what an allowed text adds to it."""

    id: str
    call: str
    act: str
    guard: str | None
    label: str | None
    at: float
    by: str
    note: str
    text: str | None
    sample: Json | None
    undone: float | None
    undone_by: str | None
    new: bool
    rule: Json | None
    policy: str | None
    why: str


class LabelledText(Struct, frozen=True):
    """An example; `label` is 1 where a guard should catch it, and 0 where it should not."""

    text: str
    label: int
    kind: str | None
    guard: str | None
    source: str
    lang: str
    made: str
