"""The gate: a pure function from a requirement, declared beforehand, and evidence to a verdict with its reasons.

A comparison with the baseline is paired, item by item; errors are clustered by what items share, and bounds one-sided
(`evals.statistics.bounds`). What is too small to tell is *underpowered*, and says how many items it would take: it does
not pass.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evals.evidence import Digest, EvalEvidence, Metric
from evals.measures import Measure, measured
from evals.validity import look_sizes, notes, why_invalid

LEAST_ERROR = 1e-9
"""With less error than that nothing is shown by any number of items that there is."""

Verdict = Literal["pass", "fail", "underpowered", "invalid"]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Requirement(BaseModel):
    """What must be shown of one `metric` of one `suite`, with error `alpha` (one-sided), over all runs of a release.

    `margin`: against the live release, worse by less than this; with `superiority`, better by more than nothing at all.
    `at_least`, `at_most`: the mean itself, beyond doubt. `direction` says which way is better. With `relative` the
    margin is a share of the live release's mean, as of a cost. With `quantile` it is not the mean that counts:
    `at_most` is then what this share of items must not be above, as of seconds, and `margin` by how much more items may
    be above the live release's own quantile. Evidence is at most `max_age` old (as 30d), of at least `min_items`; with
    more than one of `looks`, a run may be looked at so often, at equal distances, and end early. `contaminated` is the
    share of items that may be known to the candidate. Each `holdout` releases that were judged on a dataset halve the
    error that is left to the next ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: Metric
    suite: Digest
    direction: Literal["higher", "lower"] = "higher"
    margin: Annotated[float, Field(ge=0)] | None = None
    superiority: bool = False
    at_least: float | None = None
    at_most: float | None = None
    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    looks: Annotated[int, Field(ge=1, le=20)] = 1
    relative: bool = False
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    contaminated: Annotated[float, Field(ge=0, lt=1)] = 0.0
    holdout: Annotated[int, Field(ge=1, le=10_000)] = 20
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
        if self.relative and self.margin is None:
            raise ValueError("relative says what the margin is a share of: name a margin")
        of_means = self.relative or self.superiority or self.at_least is not None or self.direction == "higher"
        if self.quantile is not None and of_means:
            raise ValueError("a quantile takes direction: lower, and at_most or margin")
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


def decide(requirement: Requirement, evidence: EvalEvidence, now: float, before: int = 0, looked: int = 0) -> Decision:
    """The verdict. The evidence is taken to be for the release, the suite and the baseline in question. `before` is how
    many runs of these there were already: the first has half of `alpha`, each other half of what the one before had, so
    that runs which are made anew until one passes are wrong with a chance of `alpha` together. `looked` is how many
    other releases were judged on this dataset: after each `holdout` of them, the error that is left is halved."""
    if (why := why_invalid(requirement, evidence, now)) is not None:
        return Decision(verdict="invalid", reasons=[why])
    worn = 0.5 ** (looked // requirement.holdout)
    alpha = requirement.alpha * 0.5 ** (before + 1) * worn
    if alpha < LEAST_ERROR:
        said = f"nothing of the error is left after {before} runs, and {looked} other releases on this dataset"
        return Decision(verdict="underpowered", reasons=[f"{said}: take another dataset"], alpha=alpha)
    if requirement.looks == 1:
        found = _worst([_beyond(one, requirement) for one in measured(requirement, evidence, alpha)])
    else:
        found = _looked_at(requirement, evidence, alpha)
    reasons = found.reasons + notes(requirement, evidence)
    if worn < 1:
        left = f"the error is {worn:.3g} of what it was"
        reasons.append(f"{looked} releases were judged on this dataset before: {left}; take another")
    return found.model_copy(update={"reasons": reasons})


def _looked_at(requirement: Requirement, evidence: EvalEvidence, alpha: float) -> Decision:
    """Passes at the first look at which all that is asked is beyond that look's bound. Where the last look there was is
    not the last planned, it fails where so much less was seen than a good candidate shows, and else goes on."""
    from evals.statistics.sequential import planned

    looks = planned(requirement.looks, alpha)
    sizes = look_sizes(evidence.samples or len(evidence.items), requirement.looks)
    decision = None
    for look, size in enumerate(sizes):
        if size > len(evidence.items):
            break
        seen = evidence.model_copy(update={"items": evidence.items[:size]})
        measures = measured(requirement, seen, looks.error_at(look))
        decision = _worst([_beyond(one, requirement) for one in measures])
        hopeless = any(one.statistic < looks.gives_up[look] for one in measures)
        last = size == sizes[-1]
        verdict = decision.verdict if decision.verdict == "pass" or last else "fail" if hopeless else "underpowered"
        said = f"look {look + 1} of {requirement.looks}" + ("" if verdict != "underpowered" or last else ": go on")
        needed = None if verdict in ("pass", "fail") else decision.needed if last else sizes[-1]
        change = {"verdict": verdict, "reasons": [*decision.reasons, said], "needed": needed}
        decision = decision.model_copy(update=change)
        if verdict == "pass":
            break
    assert decision is not None
    return decision


def _worst(decisions: list[Decision]) -> Decision:
    """The one that counts, with the reasons of all."""
    worst = min(decisions, key=lambda one: ("fail", "underpowered", "pass").index(one.verdict))
    return worst.model_copy(update={"reasons": [reason for one in decisions for reason in one.reasons]})


def _beyond(measure: Measure, requirement: Requirement) -> Decision:
    """Whether what was measured is above the threshold beyond doubt."""
    bounds, threshold = measure.bounds, measure.threshold
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
    said = f"{measure.words}: {bounds.estimate:+.4g} {between}, {bounds.n} items"
    least = requirement.min_items
    if bounds.n < least:
        return Decision(verdict="underpowered", reasons=[f"{said}, fewer than {least}"], needed=least, **held)
    if not math.isfinite(bounds.low):
        which = "all" if bounds.clusters < 2 else "nearly all"
        return Decision(verdict="underpowered", reasons=[f"{said}, {which} of one cluster"], **held)
    if bounds.low > threshold:
        return Decision(verdict="pass", reasons=[said], **held)
    if bounds.high < threshold or bounds.estimate <= threshold:
        return Decision(verdict="fail", reasons=[f"not shown: {said}"], **held)
    needed = replace(bounds, alpha=bounds.alpha / 2).needed(threshold, measure.planned)
    return Decision(verdict="underpowered", reasons=[f"{said}: about {needed} items would tell"], needed=needed, **held)
