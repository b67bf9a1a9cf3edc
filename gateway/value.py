"""What an endpoint costs and brings: its KPI tree, for all its calls, for each release and for the arms of a rollout.

Every figure is an interval. Calls that answer alike, those of one conversation or user, count as one piece of evidence.
What a candidate changes is read off the arms of its rollout, which served at the same time, step by step: what the
whole endpoint was like before says little about it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from evals.statistics.intervals import Interval, mean, proportion, ratio
from gateway.store import value as rows
from gateway.store.value import Part, Said, Served, Unseen
from gateway.types import Json

MOST = 20_000
"""Calls, and feedback, of one part that are looked at; of more, a sample of about so many is."""
MICRO = 1_000_000
QUANTILES = {"p50": 0.5, "p95": 0.95}

Name = tuple[str, ...]
"""Where a figure stands in the tree."""
Figures = dict[Name, Interval]


@dataclass(frozen=True, slots=True)
class Sample:
    """Calls and what was said of them; `share` of all there were."""

    served: Sequence[Served]
    said: Sequence[Said]
    share: float

    def where(self, holds: Callable[[Served | Said], bool]) -> Sample:
        return replace(
            self, served=[one for one in self.served if holds(one)], said=[one for one in self.said if holds(one)]
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """The arms of a rollout, as far as they served at the same time, and what its shadow took."""

    rollout: str
    release: str
    live: Sample
    candidate: Sample
    shadow: Unseen


@dataclass(frozen=True, slots=True)
class Book:
    """All that is read of an endpoint's calls."""

    of: Part
    whole: Sample
    trials: tuple[Trial, ...]


def read(connection: Connection, of: Part) -> Book:
    """What there is on the endpoint, and on the rollouts that were under way."""
    trials = []
    for rollout, release in rows.rollouts_of(connection, of).items():
        candidate, live = (_sample(connection, replace(of, rollout=rollout, arm=arm)) for arm in ("candidate", "live"))
        shadow = rows.unseen(connection, replace(of, rollout=rollout))
        trials.append(Trial(rollout, release, live, candidate, shadow))
    return Book(of, _sample(connection, of), tuple(trials))


def _sample(connection: Connection, of: Part) -> Sample:
    """Whatever is read of feedback, its calls' shares are the same or smaller: no call seems to have been silent."""
    said = min(1.0, MOST / max(1, rows.count_said(connection, of)))
    served = min(said, MOST / max(1, rows.count_served(connection, of)))
    return Sample(rows.served(connection, of, served), rows.said(connection, of, said), served)


def report(book: Book, hourly_rate: float | None) -> Json:
    """The KPI tree. `hourly_rate` is what an hour saved is worth, in USD; without one, minutes saved are told and are
    worth nothing."""
    releases = {one.release: None for one in book.whole.served}
    return {
        "object": "value",
        "endpoint": book.of.endpoint,
        "since": book.of.since,
        "until": book.of.until,
        "hourly_rate": hourly_rate,
        "share": book.whole.share,
        "served": _tree(book.whole, hourly_rate),
        "releases": [
            {"release": release, **_tree(book.whole.where(_of_release(release)), hourly_rate)} for release in releases
        ],
        "rollouts": [_told(trial, hourly_rate) for trial in book.trials],
    }


def _of_release(release: str | None) -> Callable[[Served | Said], bool]:
    return lambda one: one.release == release


def _told(trial: Trial, hourly_rate: float | None) -> Json:
    return {
        "rollout": trial.rollout,
        "release": trial.release,
        "live": _tree(trial.live, hourly_rate),
        "candidate": _tree(trial.candidate, hourly_rate),
        "delta": _nested(delta(trial.live, trial.candidate, hourly_rate)),
        "shadow": {"calls": trial.shadow.calls, "cost": trial.shadow.cost},
    }


def _tree(of: Sample, hourly_rate: float | None) -> Json:
    """The figures of a sample, and the sums over all that it stands for; `cost` and `value` are micro-USD."""
    tree = _nested(figures(of, hourly_rate))
    kept = {one.id for one in of.served}
    said = [one for one in of.said if one.call in kept]
    totals = {
        "cost": round(sum(one.cost for one in of.served) / of.share),
        "value": round(sum(one.value or 0 for one in said) / of.share),
        "minutes_saved": sum(one.seconds_saved or 0.0 for one in said) / 60 / of.share,
    }
    return {"calls": round(len(of.served) / of.share), "totals": totals, **tree}


def _nested(found: Figures) -> Json:
    tree: Json = {}
    for name, interval in found.items():
        place = tree
        for step in name[:-1]:
            place = place.setdefault(step, {})
        place[name[-1]] = shown(interval)
    return tree


def shown(interval: Interval) -> Json:
    """Bounds that nothing is known of are null."""
    low, high = (bound if math.isfinite(bound) else None for bound in (interval.low, interval.high))
    return {"estimate": interval.estimate, "low": low, "high": high, "n": interval.n, "clusters": interval.clusters}


# The figures ----------------------------------------------------------------------------------------------------------


def figures(of: Sample, hourly_rate: float | None) -> Figures:
    """Those that the sample has anything to say on. Costs and values are micro-USD a call, latencies milliseconds."""
    if not of.served:
        return {}
    units = [one.unit for one in of.served]
    found: Figures = {
        ("cost", "per_call"): mean([one.cost for one in of.served], units),
        ("quality", "error_rate"): _average([one.failed for one in of.served], units),
    }
    answered = [one for one in of.served if not one.failed]
    for name, level in QUANTILES.items() if answered else ():
        waited = np.array([one.total_us / 1000 for one in answered])
        found["latency", name] = quantile(waited, level, [one.unit for one in answered])
    found |= _scores(of.said)
    found |= _benefits(of, units, hourly_rate)
    return found


def quantile(values: np.ndarray[Any, Any], level: float, units: Sequence[str]) -> Interval:
    """By Woodruff: the share of values up to the estimate has an interval, and where its bounds fall among the values
    are the bounds."""
    estimate = float(np.quantile(values, level))
    share = mean(values <= estimate, units)
    low, high = (
        float(np.quantile(values, level + off)) if 0 <= level + off <= 1 else math.copysign(math.inf, off)
        for off in (share.low - share.estimate, share.high - share.estimate)
    )
    return replace(share, estimate=estimate, low=low, high=high)


def _scores(said: Sequence[Said]) -> Figures:
    found: Figures = {}
    for metric in sorted({one.metric for one in said if one.score is not None}):
        scores = [(one.score, one.unit) for one in said if one.metric == metric and one.score is not None]
        found["quality", "scores", metric] = _average(*zip(*scores, strict=True))
    ended = [one for one in said if one.outcome is not None]
    for outcome in sorted({one.outcome for one in ended if one.outcome is not None}):
        came = [one.outcome == outcome for one in ended]
        found["quality", "outcomes", outcome] = _average(came, [one.unit for one in ended])
    return found


def _average(values: Sequence[float], units: Sequence[str]) -> Interval:
    """Of what is yes or no everywhere, a rate: also one that was never seen otherwise is not known to be 0 or 1."""
    yes_or_no = all(value in (0, 1) for value in values)
    return proportion(values, units) if yes_or_no else mean(values, units)


def _benefits(of: Sample, units: Sequence[str], hourly_rate: float | None) -> Figures:
    """Over all calls: one of which nothing was said brought nothing that is known. Nothing is told of what nobody ever
    said anything of."""
    value: dict[str, float] = defaultdict(float)
    seconds: dict[str, float] = defaultdict(float)
    for one in of.said:
        if one.value is not None:
            value[one.call] += one.value
        if one.seconds_saved is not None:
            seconds[one.call] += one.seconds_saved
    found: Figures = {}
    worth = np.zeros(len(of.served))
    if value:
        worth += (values := np.array([value.get(one.id, 0.0) for one in of.served]))
        found["value", "per_call"] = mean(values, units)
    if seconds:
        saved = np.array([seconds.get(one.id, 0.0) for one in of.served])
        worth += saved / 3600 * (hourly_rate or 0.0) * MICRO
        found["value", "minutes_saved_per_call"] = mean(saved / 60, units)
    cost = np.array([one.cost for one in of.served], float)
    if (value or (seconds and hourly_rate)) and cost.any():
        found["value", "roi"] = ratio(worth - cost, cost, units)
    return found


# What a candidate changes ---------------------------------------------------------------------------------------------


def delta(live: Sample, candidate: Sample, hourly_rate: float | None) -> Figures:
    """Candidate minus live, by steps of the canary: between steps both the weights and the times differ, and a
    difference over all of them would tell of that."""
    pairs: dict[Name, list[tuple[Interval, Interval]]] = defaultdict(list)
    for one, other in _concurrent(live, candidate):
        of_live, of_candidate = figures(one, hourly_rate), figures(other, hourly_rate)
        for name in of_candidate.keys() & of_live.keys():
            pairs[name].append((of_candidate[name], of_live[name]))
    return {name: difference(pairs[name]) for name in sorted(pairs)}


def _concurrent(live: Sample, candidate: Sample) -> Iterator[tuple[Sample, Sample]]:
    """Both arms of each step, from the candidate's first call in it to its last."""
    for step in sorted({one.step for one in candidate.served if one.step is not None}):
        begun = [one.started for one in candidate.served if one.step == step]
        meanwhile = _between(step, min(begun), max(begun))
        yield live.where(meanwhile), candidate.where(meanwhile)


def _between(step: int, first: int, last: int) -> Callable[[Served | Said], bool]:
    return lambda one: one.step == step and first <= one.started <= last


def difference(pairs: Sequence[tuple[Interval, Interval]]) -> Interval:
    """Of independent estimates, the first of each pair minus the second, over all pairs by what each tells. The bounds
    are put together from theirs (the method of variance estimates recovery), which needs no variance and respects
    intervals that are not symmetric. A pair of which a bound is not known counts only where there is no other."""
    pairs = [pair for pair in pairs if all(map(_bounded, pair))] or pairs
    told = np.array([one.n * other.n / (one.n + other.n) for one, other in pairs])
    weights = told / told.sum()
    ones, others = (
        np.array([(each.estimate, each.low, each.high) for each in side]).T for side in zip(*pairs, strict=True)
    )
    estimate = float(weights @ (ones[0] - others[0]))
    below = float(np.linalg.norm(weights * np.hypot(ones[0] - ones[1], others[2] - others[0])))
    above = float(np.linalg.norm(weights * np.hypot(ones[2] - ones[0], others[0] - others[1])))
    n, clusters = (sum(getattr(each, name) for pair in pairs for each in pair) for name in ("n", "clusters"))
    return Interval(estimate, estimate - below, estimate + above, n, clusters)


def _bounded(interval: Interval) -> bool:
    return math.isfinite(interval.low) and math.isfinite(interval.high)
