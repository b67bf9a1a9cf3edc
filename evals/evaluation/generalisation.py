"""How much of what a metric shows is left on what was not seen: the gap between two runs, and cross-validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evals.evaluation.findings import Finding, OfFolds, State, between, known
from evals.evaluation.plan import Folds, Gap
from evals.evaluation.runs import Ran, Standard, remarks, values, why_not
from evals.measures import Values
from evals.statistics import bounds, folds, groups, rogan_gladen
from evals.statistics.bounds import Bounds


def gap(asked: Gap, runs: Mapping[str, Ran], standard: Standard) -> Finding:
    """Missed where it is above what is tolerated and is more than chance, that is its interval is above 0; met where
    its interval ends below what is tolerated."""
    seen, unseen = runs[asked.seen], runs[asked.unseen]
    told = _Told(asked, f"at most {asked.at_most:g}", f"{asked.seen} and {asked.unseen}")
    why = why_not(seen, asked.metric, standard, known=True) or why_not(unseen, asked.metric, standard)
    if why is not None:
        return told.gap("invalid", [why])
    if asked.paired and (why := _not_paired(seen, unseen)) is not None:
        return told.gap("invalid", [why])
    found = _corrected(_difference(asked, seen, unseen, standard), asked.metric, seen, unseen, standard)
    how = "paired" if asked.paired else "not paired"
    said = f"{between(found.estimate, known(found.low), known(found.high), signed=True)}, {how}, {found.n} items"
    needed = None
    if found.high < asked.at_most:
        state: State = "met"
    elif found.estimate > asked.at_most and found.low > 0:
        state = "missed"
    else:
        state = "unknown"
        if found.clusters > 1 and found.estimate < asked.at_most:
            needed = found.turned().needed(-asked.at_most)
            said += f": about {needed} would tell"
    more = {"measured": found.estimate, "low": known(found.low), "high": known(found.high), "needed": needed}
    noted = remarks(unseen, asked.metric, standard)
    return told.gap(state, [said, *noted], n=found.n, clusters=found.clusters, **more)


def over_folds(asked: Folds, runs: Mapping[str, Ran], standard: Standard) -> OfFolds:
    """The mean of the folds by the corrected resampled t-test (Nadeau and Bengio 2003)."""
    told = _Told(asked, _target(asked), ", ".join(asked.runs))
    compares = asked.margin is not None
    for name in asked.runs:
        if (why := why_not(runs[name], asked.metric, standard, compares=compares)) is not None:
            return told.folds("invalid", [f"{name}: {why}"])
    means = [_of_fold(values(runs[name], asked.metric, standard, compares=compares), compares) for name in asked.runs]
    found = folds.mean(means, asked.test_share, standard.alpha)
    more = {
        "measured": found.estimate,
        "values": tuple(means),
        "spread": found.spread,
        "n": sum(len(runs[name].evidence.items) for name in asked.runs),
    }
    said = f"{between(found.estimate, found.low, found.high, compares)} over {found.folds} folds, "
    said += f"from {min(means):.4g} to {max(means):.4g}, standard deviation {found.spread:.4g}"
    if found.spread == 0:
        alike = f"all {found.folds} folds came to {found.estimate:.4g}: that they are alike says nothing of their error"
        return told.folds("unknown", [alike], **more)
    state = _reached(asked, found)
    return told.folds(state, [said], low=found.low, high=found.high, **more)


def _difference(asked: Gap, seen: Ran, unseen: Ran, standard: Standard) -> Bounds:
    """Seen less unseen, turned so that more is worse to generalise."""
    one, other = values(seen, asked.metric, standard), values(unseen, asked.metric, standard)
    if not asked.paired:
        return groups.difference(_turned(one, standard.alpha), _turned(other, standard.alpha))
    by_id = {item.id: value for item, value in zip(seen.evidence.items, one.candidate, strict=True)}
    differences = [
        one.sign * (by_id[item.id] - value) for item, value in zip(unseen.evidence.items, other.candidate, strict=True)
    ]
    return bounds.mean(differences, other.clusters, standard.alpha)


def _turned(held: Values, alpha: float) -> Bounds:
    return bounds.mean([held.sign * value for value in held.candidate], held.clusters, alpha)


def _corrected(found: Bounds, metric: str, seen: Ran, unseen: Ran, standard: Standard) -> Bounds:
    """Of rates that one judge found in both, for its errors; a gap below what it can see of it is wider in truth."""
    quality = values(unseen, metric, standard).judge
    if quality is None or values(seen, metric, standard).judge != quality:
        return found
    return rogan_gladen.difference(found, quality)


def _not_paired(seen: Ran, unseen: Ran) -> str | None:
    apart = {item.id for item in seen.evidence.items} ^ {item.id for item in unseen.evidence.items}
    if not apart:
        return None
    return f"{len(apart)} items are in one of {seen.name} and {unseen.name} alone: they are no pairs"


def _of_fold(held: Values, compares: bool) -> float:
    found = held.candidate
    if compares:
        found = [held.sign * (new - old) for new, old in zip(held.candidate, held.baseline, strict=True)]
    return math.fsum(found) / len(found)


def _reached(asked: Folds, found: folds.OverFolds) -> State:
    if asked.at_most is not None:
        found = replace(found, estimate=-found.estimate, low=-found.high, high=-found.low)
    asks = asked.at_least if asked.at_least is not None else -(asked.at_most if asked.at_most is not None else 0.0)
    threshold = -asked.margin if asked.margin is not None else asks
    return "met" if found.low > threshold else "missed" if found.estimate <= threshold else "unknown"


def _target(asked: Folds) -> str:
    if asked.margin is not None:
        return f"not worse than the baseline by {asked.margin:g}"
    return f"at least {asked.at_least:g}" if asked.at_least is not None else f"at most {asked.at_most:g}"


class _Told:
    """A finding of what was asked, in the making."""

    def __init__(self, asked: Gap | Folds, target: str, source: str) -> None:
        self._held: dict[str, Any] = {
            "name": asked.called,
            "about": asked.about,
            "priority": asked.priority,
            "condition": asked.condition,
            "target": target,
            "source": source,
        }

    def gap(self, state: State, reasons: Sequence[str], **more: Any) -> Finding:
        return Finding(kind="generalisation", state=state, reasons=tuple(reasons), **self._held, **more)

    def folds(self, state: State, reasons: Sequence[str], **more: Any) -> OfFolds:
        return OfFolds(kind="folds", state=state, reasons=tuple(reasons), **self._held, **more)
