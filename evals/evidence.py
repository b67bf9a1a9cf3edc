"""Evidence as an eval run posts it: what a release did on a suite, item by item, beside its baseline.

Item by item, because a verdict is worked out by whoever relies on it, from the results, and never taken over. Beside
them stands what makes a run no evidence: who says so of their own run is believed, who hides it signs a lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evals.digest import sha256

MOST_ITEMS = 100_000
MOST_METRICS = 50
LARGEST = 1e15
ALWAYS_LOWER = ("cost", "failed", "seconds")
"""Metrics that every run has, of which less is better."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Metric = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Scores = Annotated[dict[Metric, float], Field(min_length=1, max_length=MOST_METRICS)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(Part):
    """What came of one sample: a number for each metric, of repeats the mean. `cluster` names what it shares with
    others (a conversation, a document, a tenant): items of a cluster are not independent. `slices` are what parts of
    the suite it belongs to, by name. Numbers are finite, and small enough to be squared and added up."""

    id: Word
    candidate: Scores
    baseline: Scores | None = None
    cluster: Word | None = None
    slices: Annotated[dict[Metric, Word], Field(max_length=20)] = {}

    @field_validator("candidate", "baseline")
    @classmethod
    def _finite(cls, value: Mapping[str, float] | None) -> Mapping[str, float] | None:
        for name, number in (value or {}).items():
            if not math.isfinite(number):
                raise ValueError(f"{name} is not a finite number")
            if abs(number) > LARGEST:
                raise ValueError(f"{name} is above {LARGEST:g}")
        return value


class Counts(Part):
    """How often a judge agreed with people: `right` answers are those that people call right. `true_right` of them the
    judge called right, `false_wrong` not; of the wrong ones it called `true_wrong` wrong, and `false_right` not."""

    true_right: Count
    false_wrong: Count
    true_wrong: Count
    false_right: Count


class Grading(Part):
    """How a judge's grades of `n` answers agree with people's: Krippendorff's `alpha`, 1 where all agree and 0 where
    they agree as by chance; null where it cannot be told."""

    n: Count
    alpha: Annotated[float, Field(ge=-1, le=1)] | None


class JudgeFacts(Part):
    """An instrument that `metrics` rest on. Without `counts`, or `grading` where it gives grades, it was not
    calibrated; `moved` says that it has changed since. `least` is the sensitivity and the specificity, or the alpha,
    that it is to have. `family` and `judged` are the families of its model and of the candidate's, where they are
    known."""

    digest: Digest
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1, max_length=MOST_METRICS)]
    counts: Counts | None = None
    grading: Grading | None = None
    moved: bool = False
    least: Annotated[float, Field(ge=0.5, le=1)] = 0.8
    family: Word | None = None
    judged: Word | None = None


class Contamination(Part):
    """What was looked for in the suite's items, of sets that the candidate may have learnt from: its prompt's examples,
    training data, documents. `found` items are in one of `sets` too; `cleared` more look so, and a person said why they
    are not. `examples` are a few of them, for people to see."""

    sets: Annotated[tuple[Word, ...], Field(min_length=1, max_length=100)]
    found: Count
    cleared: Count = 0
    examples: Annotated[tuple[dict[str, str], ...], Field(max_length=100)] = ()


class EvalEvidence(Part):
    """One eval run of a release, and of the `baseline` release on the same items where it has one. Digests are SHA-256,
    in hex, of what was run: `suite`, whose `name` is for people, and `dataset`. In `lower` are the metrics of which
    less is better: for people too, as a gate says that itself. `samples` is how many the dataset has; items are in the
    order in which they were asked, and where they are fewer, `looks` says at how many of them the run was looked at.
    `reused` answers were shared by repeats, or came from a cache. `made` is Unix time; `cost` is in micro-USD."""

    kind: Literal["eval"] = "eval"
    release: Digest
    baseline: Digest | None = None
    suite: Digest
    name: Word | None = None
    dataset: Digest
    lower: Annotated[tuple[Metric, ...], Field(max_length=MOST_METRICS)] = ()
    made: Annotated[float, Field(gt=0, lt=253_402_300_800)]
    samples: Annotated[int, Field(ge=1, le=MOST_ITEMS)] | None = None
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    seeds: Annotated[tuple[int, ...], Field(max_length=1000)] = ()
    looks: Annotated[tuple[int, ...], Field(max_length=100)] = ()
    reused: Count = 0
    judges: Annotated[tuple[JudgeFacts, ...], Field(max_length=50)] = ()
    contamination: Contamination | None = None
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
        if self.samples is not None and self.samples < len(self.items):
            raise ValueError(f"there are {len(self.items)} items, and the dataset has {self.samples} samples")
        return self

    def judge_of(self, metric: str) -> JudgeFacts | None:
        return next((judge for judge in self.judges if metric in judge.metrics), None)


def digest_of(body: Mapping[str, Any]) -> str:
    """64 hex digits of what evidence says as JSON, but for when: the same results are the same evidence, as old as they
    were first, however often they are made from kept answers."""
    return sha256({name: value for name, value in body.items() if name != "made"})
