"""Whether a metric is worse in some part of the items than in all others: bias, slice by slice.

Many slices are looked at, so one of them is always worst. A disparity is *missed* where it is above what is tolerated
and is more than chance among all slices (Holm); *met* where its interval ends below what is tolerated; and what is too
small to tell is *unknown*, which is not met.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals.evaluation.findings import Disparities, SliceFound, State, known
from evals.evaluation.plan import Disparity
from evals.evaluation.runs import Ran, Standard, remarks, values, why_not
from evals.measures import Values
from evals.statistics import bounds, groups, multiplicity, rogan_gladen
from evals.statistics.bounds import Bounds


@dataclass(frozen=True, slots=True)
class Looked:
    """At one slice: `worse` bounds by how much, and `p` is of its being no worse."""

    value: str
    mean: float
    worse: Bounds
    p: float
    n: int
    clusters: int


def bias(asked: Sequence[Disparity], runs: dict[str, Ran], standard: Standard) -> list[Disparities]:
    """Of all that a plan asks, as all slices that are looked at count together."""
    invalid = [why_not(runs[one.run], one.metric, standard) or _no_slice(one, runs[one.run]) for one in asked]
    looked = [
        _looked(one, runs[one.run], standard) if why is None else [] for one, why in zip(asked, invalid, strict=True)
    ]
    adjusted = iter(multiplicity.holm([part.p for parts in looked for part in parts]))
    found = []
    for one, why, parts in zip(asked, invalid, looked, strict=True):
        if why is not None:
            found.append(_told(one, "invalid", [why], []))
            continue
        slices = [_judged(one, part, next(adjusted), 2 * standard.alpha) for part in parts]
        noted = remarks(runs[one.run], one.metric, standard)
        found.append(_told(one, _worst(slices), [*_said(one, slices), *noted], slices))
    return found


def _no_slice(asked: Disparity, ran: Ran) -> str | None:
    if any(asked.slice in item.slices for item in ran.evidence.items):
        return None
    return f"no item of {ran.name} is in a slice {asked.slice!r}: name it under slices of its suite"


def _looked(asked: Disparity, ran: Ran, standard: Standard) -> list[Looked]:
    held = values(ran, asked.metric, standard)
    turned = np.array([held.sign * value for value in held.candidate])
    parts: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(ran.evidence.items):
        if asked.slice in item.slices:
            parts[item.slices[asked.slice]].append(place)
    return [_slice(value, turned, held, places, standard.alpha) for value, places in sorted(parts.items())]


def _slice(value: str, turned: np.ndarray, held: Values, places: list[int], alpha: float) -> Looked:
    inside = np.zeros(len(turned), dtype=np.bool_)
    inside[places] = True
    one = _mean(turned, held.clusters, inside, alpha)
    if inside.all():
        other = Bounds(one.estimate, -np.inf, np.inf, np.inf, one.farthest, 0, 0, alpha)
    else:
        other = _mean(turned, held.clusters, ~inside, alpha)
    worse = groups.difference(other, one)
    if held.judge is not None:
        worse = rogan_gladen.difference(worse, held.judge)
    p = groups.p_worse(turned, inside, held.clusters)
    return Looked(value, held.sign * one.estimate, worse, p, one.n, one.clusters)


def _mean(turned: np.ndarray, clusters: Sequence[str], inside: np.ndarray, alpha: float) -> Bounds:
    return bounds.mean(turned[inside], [cluster for cluster, held in zip(clusters, inside, strict=True) if held], alpha)


def _judged(asked: Disparity, part: Looked, adjusted: float, alpha: float) -> SliceFound:
    worse = part.worse
    state: State = "unknown"
    if worse.estimate > asked.at_most and adjusted <= alpha:
        state = "missed"
    elif worse.high < asked.at_most:
        state = "met"
    return SliceFound(
        value=part.value,
        state=state,
        mean=part.mean,
        worse=worse.estimate,
        low=known(worse.low),
        high=known(worse.high),
        p=part.p,
        adjusted=adjusted,
        n=part.n,
        clusters=part.clusters,
    )


def _worst(slices: Sequence[SliceFound]) -> State:
    states = {part.state for part in slices}
    return "missed" if "missed" in states else "unknown" if "unknown" in states else "met"


def _said(asked: Disparity, slices: Sequence[SliceFound]) -> list[str]:
    said = []
    for part in slices:
        if part.state == "missed":
            between = f"{part.worse:+.4g}, adjusted p {part.adjusted:.2g}, {part.n} items"
            said.append(f"worse in {asked.slice} {part.value}: {between}")
    small = [part for part in slices if part.state == "unknown"]
    if small:
        names = ", ".join(part.value for part in small)
        said.append(f"too little to tell in {asked.slice} {names}")
    met = sum(part.state == "met" for part in slices)
    return [*said, f"within {asked.at_most:g} of the rest in {met} of {len(slices)}"]


def _told(asked: Disparity, state: State, reasons: Sequence[str], slices: Sequence[SliceFound]) -> Disparities:
    worst = max(slices, key=lambda part: part.worse, default=None)
    return Disparities(
        kind="bias",
        name=asked.called,
        about=asked.about,
        priority=asked.priority,
        condition=asked.condition,
        state=state,
        reasons=tuple(reasons),
        target=f"nowhere worse than the rest by {asked.at_most:g}",
        source=asked.run,
        measured=worst.worse if worst is not None else None,
        low=worst.low if worst is not None else None,
        high=worst.high if worst is not None else None,
        n=sum(part.n for part in slices),
        slices=tuple(sorted(slices, key=lambda part: -part.worse)),
    )
