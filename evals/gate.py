"""The gate: a pure function from a requirement, declared beforehand, and evidence to a verdict with its reasons.

A comparison with the baseline is paired, item by item; errors are clustered by what items share, and bounds one-sided
(`evals.statistics.bounds`). What is too small to tell is *underpowered*, and says how many items it would take: it does
not pass.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evals.evidence import Digest, EvalEvidence, Metric

if TYPE_CHECKING:
    from evals.statistics.bounds import Bounds

Verdict = Literal["pass", "fail", "underpowered", "invalid"]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Requirement(BaseModel):
    """What must be shown of one `metric` of one `suite`, with error `alpha` (one-sided), over all runs of a release.

    `margin`: against the live release, worse by less than this; with `superiority`, better by more than nothing at all.
    `at_least`, `at_most`: the mean itself, beyond doubt. `direction` says which way is better. Evidence is at most
    `max_age` old (as 30d), of at least `min_items`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: Metric
    suite: Digest
    direction: Literal["higher", "lower"] = "higher"
    margin: Annotated[float, Field(ge=0)] | None = None
    superiority: bool = False
    at_least: float | None = None
    at_most: float | None = None
    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    max_age: str = "30d"
    min_items: Annotated[int, Field(ge=2, le=100_000)] = 30

    @field_validator("max_age")
    @classmethod
    def _lasting(cls, value: str) -> str:
        if re.fullmatch(r"[1-9]\d{0,5}[smhdw]", value, re.ASCII) is None:
            raise ValueError("write a number and s, m, h, d or w, as 30d")
        return value

    @model_validator(mode="after")
    def _something(self) -> Requirement:
        if self.margin is None and not self.superiority and self.at_least is None and self.at_most is None:
            raise ValueError("name at least one of margin, superiority, at_least and at_most")
        for name in ("margin", "at_least", "at_most"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{name} is a finite number")
        return self

    @property
    def lasts(self) -> int:
        """Seconds evidence counts for."""
        return int(self.max_age[:-1]) * UNITS[self.max_age[-1]]

    @property
    def compares(self) -> bool:
        """Whether it takes a baseline."""
        return self.margin is not None or self.superiority


class Decision(BaseModel):
    """`estimate` is the candidate's mean, or its mean difference to the baseline, with the one-sided bounds at `alpha`,
    this run's share, on both sides; the difference is turned so that more is better. `needed` is how many items a next
    run would take, where there were too few, and `detectable` how far from the threshold the truth must be, to pass 8
    times in 10."""

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    reasons: list[str]
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    alpha: float | None = None
    margin: float | None = None
    detectable: float | None = None
    n: int = 0
    clusters: int = 0
    needed: int | None = None


def decide(requirement: Requirement, evidence: EvalEvidence, now: float, before: int = 0) -> Decision:
    """The verdict. The evidence is taken to be for the release, the suite and the baseline in question. `before` is how
    many runs of these there were already: the first has half of `alpha`, each other half of what the one before had, so
    that runs which are made anew until one passes are wrong with a chance of `alpha` together."""
    from evals.statistics import bounds

    if (why := _invalid(requirement, evidence, now)) is not None:
        return Decision(verdict="invalid", reasons=[why])
    alpha = requirement.alpha / 2 ** (before + 1)
    clusters = [item.cluster or f"item:{item.id}" for item in evidence.items]
    sign = 1.0 if requirement.direction == "higher" else -1.0
    name = requirement.metric
    found = [item.candidate[name] for item in evidence.items]
    decisions = []
    if requirement.compares:
        pairs = [sign * (item.candidate[name] - (item.baseline or {})[name]) for item in evidence.items]
        difference = bounds.mean(pairs, clusters, alpha)
        if requirement.margin is not None:
            said = "not worse than the live release by"
            decisions.append(_beyond(difference, -requirement.margin, said, requirement, planned=0.0))
        if requirement.superiority:
            decisions.append(_beyond(difference, 0.0, "better than the live release by", requirement))
    mean = bounds.mean(found, clusters, alpha)
    if requirement.at_least is not None:
        decisions.append(_beyond(mean, requirement.at_least, "at least", requirement))
    if requirement.at_most is not None:
        decisions.append(_beyond(mean.turned(), -requirement.at_most, "at most", requirement))
    worst = min(decisions, key=lambda one: ("fail", "underpowered", "pass").index(one.verdict))
    return worst.model_copy(update={"reasons": [reason for one in decisions for reason in one.reasons]})


def _invalid(requirement: Requirement, evidence: EvalEvidence, now: float) -> str | None:
    if now - evidence.made > requirement.lasts:
        return f"the run is older than {requirement.max_age}"
    if evidence.made > now + 3600:
        return "the run says that it was made in time to come"
    lacking = sum(requirement.metric not in item.candidate for item in evidence.items)
    if requirement.compares:
        if evidence.baseline is None:
            return "the run has no baseline to compare with"
        lacking += sum(requirement.metric not in (item.baseline or {}) for item in evidence.items)
    if lacking:
        return f"{lacking} results have no {requirement.metric}: what is left out may be what went wrong"
    return None


def _beyond(
    bounds: Bounds, threshold: float, words: str, requirement: Requirement, planned: float | None = None
) -> Decision:
    """Whether the mean is above the threshold beyond doubt. `planned` is what a good candidate comes to, where that is
    known."""
    held: dict[str, Any] = {
        "estimate": bounds.estimate,
        "low": bounds.low if math.isfinite(bounds.low) else None,
        "high": bounds.high if math.isfinite(bounds.high) else None,
        "alpha": bounds.alpha,
        "margin": requirement.margin,
        "detectable": bounds.detectable if math.isfinite(bounds.detectable) else None,
        "n": bounds.n,
        "clusters": bounds.clusters,
    }
    between = f"[{bounds.low:+.4g}, {bounds.high:+.4g}] at {bounds.alpha:.2g}"
    shown = f"{bounds.estimate:+.4g} {between}, {bounds.n} items"
    said = f"{requirement.metric} {words} {abs(threshold):g}: {shown}"
    least = requirement.min_items
    if bounds.n < least:
        return Decision(verdict="underpowered", reasons=[f"{said}, fewer than {least}"], needed=least, **held)
    if bounds.clusters < 2:
        return Decision(verdict="underpowered", reasons=[f"{said}, all of one cluster"], **held)
    if bounds.low > threshold:
        return Decision(verdict="pass", reasons=[said], **held)
    if bounds.high < threshold or bounds.estimate <= threshold:
        return Decision(verdict="fail", reasons=[f"not shown: {said}"], **held)
    needed = replace(bounds, alpha=bounds.alpha / 2).needed(threshold, planned)
    return Decision(verdict="underpowered", reasons=[f"{said}: about {needed} items would tell"], needed=needed, **held)
