"""What became of each thing that was asked, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from evals.evaluation.plan import Priority
from evals.statistics.bounds import Bounds

State = Literal["met", "missed", "unknown", "invalid"]
"""*unknown* is too little to tell, or not measured; *invalid* is no evidence, whatever it shows."""

Kind = Literal["technical", "business", "generalisation", "folds", "bias", "gate", "integrity"]

Phase = Literal[
    "business_understanding", "data_understanding", "data_preparation", "modeling", "evaluation", "operationalization"
]
"""Of CPMAI, in order."""
PHASES: Mapping[Phase, str] = {
    "business_understanding": "Phase I, business understanding",
    "data_understanding": "Phase II, data understanding",
    "data_preparation": "Phase III, data preparation",
    "modeling": "Phase IV, modeling",
    "evaluation": "Phase V, evaluation",
    "operationalization": "Phase VI, operationalization",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`target` is what was asked, in words. `measured` lies between `low` and `high`, at twice the error that the bound
    is wrong with on either side; None where it is not known. `needed` items would tell. `source` says where the number
    comes from, a run or somebody's measurement."""

    kind: Kind
    name: str
    state: State
    reasons: tuple[str, ...]
    priority: Priority = "must"
    about: str = ""
    condition: str = ""
    target: str = ""
    unit: str = ""
    source: str = ""
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    n: int = 0
    clusters: int = 0
    needed: int | None = None


class OfFolds(Finding, frozen=True, kw_only=True):
    """`values` are the means of the folds, or their differences to the baselines; `spread` their standard deviation."""

    values: tuple[float, ...] = ()
    spread: float | None = None


class SliceFound(msgspec.Struct, frozen=True, kw_only=True):
    """How much worse the metric is in the slice than in all other items, as `worse`; below 0 it is better. `adjusted`
    is the p-value of its being no worse, among all slices that were looked at (Holm)."""

    value: str
    state: State
    mean: float
    worse: float
    low: float | None
    high: float | None
    p: float
    adjusted: float
    n: int
    clusters: int


class Disparities(Finding, frozen=True, kw_only=True):
    """`measured` is the greatest disparity of a slice."""

    slices: tuple[SliceFound, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    state: State
    needed: int | None = None


def beyond(bounds: Bounds, threshold: float, least: int) -> Judged:
    """Whether what was measured is above the threshold, as a gate judges (`evals.gate`): met where its bound is, missed
    where it is not even found to be, and unknown between, or where it is fewer than `least` items."""
    if bounds.n < least:
        return Judged("unknown", least)
    if bounds.clusters < 2:
        return Judged("unknown")
    if bounds.low > threshold:
        return Judged("met")
    if bounds.high < threshold or bounds.estimate <= threshold:
        return Judged("missed")
    return Judged("unknown", bounds.needed(threshold))


def known(value: float) -> float | None:
    """None for what is infinite: JSON has no such number."""
    return value if math.isfinite(value) else None


def between(value: float, low: float | None, high: float | None, signed: bool = False) -> str:
    """In words, with its interval where there is one."""
    told = "" if low is None or high is None else f" [{number(low, signed)}, {number(high, signed)}]"
    return f"{number(value, signed)}{told}"


def number(value: float, signed: bool = False) -> str:
    """To four digits; of thousands and more, whole."""
    sign = "+" if signed else ""
    whole = 1000 <= abs(value) < 1e15
    return f"{value:{sign},.0f}" if whole else f"{value:{sign}.4g}"
