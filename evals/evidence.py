"""Evidence as an eval run posts it: what a release did on a suite, item by item, beside its baseline.

Item by item, because a verdict is worked out by whoever relies on it, from the results, and never taken over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

MOST_ITEMS = 100_000
MOST_METRICS = 50
LARGEST = 1e15

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Metric = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Scores = Annotated[dict[Metric, float], Field(min_length=1, max_length=MOST_METRICS)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(Part):
    """What came of one sample: a number for each metric, of repeats the mean. `cluster` names what it shares with
    others (a conversation, a document, a tenant): items of a cluster are not independent. Numbers are finite, and small
    enough to be squared and added up."""

    id: Word
    candidate: Scores
    baseline: Scores | None = None
    cluster: Word | None = None
    slice: Word | None = None

    @field_validator("candidate", "baseline")
    @classmethod
    def _finite(cls, value: Mapping[str, float] | None) -> Mapping[str, float] | None:
        for name, number in (value or {}).items():
            if not math.isfinite(number):
                raise ValueError(f"{name} is not a finite number")
            if abs(number) > LARGEST:
                raise ValueError(f"{name} is above {LARGEST:g}")
        return value


class EvalEvidence(Part):
    """One eval run of a release, and of the `baseline` release on the same items where it has one. Digests are SHA-256,
    in hex, of what was run: `suite`, `dataset`, and `judge` where there was one. `made` is Unix time; `cost` is in
    micro-USD."""

    kind: Literal["eval"] = "eval"
    release: Digest
    baseline: Digest | None = None
    suite: Digest
    dataset: Digest
    judge: Digest | None = None
    made: Annotated[float, Field(gt=0, lt=253_402_300_800)]
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    seeds: tuple[int, ...] = ()
    cost: Annotated[int, Field(ge=0)] | None = None
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=MOST_ITEMS)]

    @model_validator(mode="after")
    def _whole(self) -> EvalEvidence:
        seen: set[str] = set()
        for item in self.items:
            if item.id in seen:
                raise ValueError(f"the item {item.id!r} is there twice: give the mean of its repeats")
            seen.add(item.id)
            if (item.baseline is None) != (self.baseline is None):
                raise ValueError(f"the item {item.id!r} and the run must both have a baseline, or neither")
        return self
