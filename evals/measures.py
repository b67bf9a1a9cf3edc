"""What a requirement asks of a run, as numbers: bounds, and the threshold that they are to be above."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evals.evidence import EvalEvidence, JudgeFacts
from evals.validity import of_right, of_wrong

if TYPE_CHECKING:
    from evals.gate import Requirement
    from evals.statistics.bounds import Bounds
    from evals.statistics.rogan_gladen import Quality


@dataclass(frozen=True, slots=True)
class Measure:
    """Turned so that more is better. `planned` is what a good candidate comes to, where that is known."""

    words: str
    bounds: Bounds
    threshold: float
    planned: float | None = None

    @property
    def statistic(self) -> float:
        """Standard errors above the threshold; without any error, infinitely many."""
        distance = self.bounds.estimate - self.threshold
        return distance / self.bounds.error if self.bounds.error else math.copysign(math.inf, distance)


def measured(requirement: Requirement, evidence: EvalEvidence, alpha: float) -> list[Measure]:
    """One for each thing that is asked, all at the error `alpha`. Every item has the metric."""
    values = Values.of(requirement, evidence)
    found = []
    if requirement.margin is not None:
        found.append(_margin(requirement, values, alpha))
    if requirement.superiority:
        words = f"{requirement.metric} better than the live release by 0"
        found.append(Measure(words, values.difference(alpha), 0.0))
    if requirement.at_least is not None:
        words = f"{requirement.metric} at least {requirement.at_least:g}"
        found.append(Measure(words, values.mean(alpha), requirement.at_least))
    if requirement.at_most is not None:
        found.append(_ceiling(requirement, values, alpha))
    return found


@dataclass(frozen=True, slots=True)
class Values:
    """Of each item, in order. `sign` turns what is better upwards."""

    candidate: Sequence[float]
    baseline: Sequence[float]
    clusters: Sequence[str]
    sign: float
    judge: Quality | None

    @classmethod
    def of(cls, requirement: Requirement, evidence: EvalEvidence) -> Values:
        name = requirement.metric
        candidate = [item.candidate[name] for item in evidence.items]
        baseline = [
            item.baseline[name] for item in evidence.items if item.baseline is not None and requirement.compares
        ]
        facts = evidence.judge_of(name)
        judged = facts is not None and all(value in (0.0, 1.0) for value in (*candidate, *baseline))
        return cls(
            candidate,
            baseline,
            [item.cluster or f"item:{item.id}" for item in evidence.items],
            1.0 if requirement.direction == "higher" else -1.0,
            _quality(facts) if facts is not None and judged else None,
        )

    def difference(self, alpha: float) -> Bounds:
        """To the baseline; of rates that a judge found, of the rates themselves."""
        from evals.statistics import bounds, rogan_gladen

        pairs = [self.sign * (new - old) for new, old in zip(self.candidate, self.baseline, strict=True)]
        found = bounds.mean(pairs, self.clusters, alpha)
        return found if self.judge is None else rogan_gladen.difference(found, self.judge)

    def mean(self, alpha: float) -> Bounds:
        from evals.statistics import bounds, rogan_gladen

        found = bounds.mean(self.candidate, self.clusters, alpha)
        return found if self.judge is None else rogan_gladen.rate(found, self.judge)

    def relative(self, margin: float, alpha: float) -> Bounds:
        """Of the difference, as a share of the baseline's mean `b`. What is held against `-margin` is linear in both
        arms, `new - (1 - margin) old`, so that the mean it is a share of brings no error of its own where it
        matters."""
        from evals.statistics import bounds

        mean = math.fsum(self.baseline) / len(self.baseline)
        scale, way = abs(mean) or 1.0, math.copysign(1.0, mean)
        pairs = zip(self.candidate, self.baseline, strict=True)
        contrasts = [(self.sign * (new - old) + way * margin * old) / scale - margin for new, old in pairs]
        return bounds.mean(contrasts, self.clusters, alpha)

    def above(self, threshold: float) -> Values:
        """Whether each is above it, in place of its value; to be so is worse."""
        return Values(
            [float(value > threshold) for value in self.candidate],
            [float(value > threshold) for value in self.baseline],
            self.clusters,
            -1.0,
            None,
        )


def _margin(requirement: Requirement, values: Values, alpha: float) -> Measure:
    margin = requirement.margin
    assert margin is not None
    said = f"{requirement.metric} not worse than the live release by"
    if requirement.relative:
        return Measure(f"{said} {margin:g} of it", values.relative(margin, alpha), -margin, planned=0.0)
    if requirement.quantile is not None:
        import numpy as np

        at = float(np.quantile(values.baseline, requirement.quantile))
        words = f"{requirement.metric} above {at:.4g}, the live release's {requirement.quantile:g} quantile, not more"
        return Measure(f"{words} often by {margin:g}", values.above(at).difference(alpha), -margin, planned=0.0)
    return Measure(f"{said} {margin:g}", values.difference(alpha), -margin, planned=0.0)


def _ceiling(requirement: Requirement, values: Values, alpha: float) -> Measure:
    most = requirement.at_most
    assert most is not None
    if requirement.quantile is None:
        return Measure(f"{requirement.metric} at most {most:g}", values.mean(alpha).turned(), -most)
    share = 1 - requirement.quantile
    words = f"{requirement.metric} above {most:g} in less than {share:.4g} of items"
    return Measure(words, values.above(most).mean(alpha).turned(), -share)


def _quality(facts: JudgeFacts) -> Quality | None:
    from evals.statistics.rogan_gladen import Quality

    counts = facts.counts
    if counts is None:
        return None
    return Quality(counts.true_right, of_right(counts), counts.true_wrong, of_wrong(counts))
