"""The running comparison of a candidate with the live release beside it: what calls came to, taken in a little at a
time, by tests that hold however often they are looked at (`evals.statistics.betting`).

A *unit* is what was drawn to one arm. In a step it counts once: at its first failure and its first block, at once; for
what is a mean over its calls, when the `settle` time since its first call is over; for a score, at its first score. A
unit that the live release served at a smaller weight counts with the chance it had left; one that the candidate served
before is not drawn again, and does not count.
"""

from __future__ import annotations

import math

from sqlalchemy import Connection

from evals.statistics.betting import Bet, Betting, DifferenceSequence, Paired, Ratio
from evals.statistics.histogram import Histogram
from gateway.durations import seconds
from gateway.releases.decide import Comparison, Finding
from gateway.releases.plan import Canary
from gateway.releases.rollout import Rollout, Stage
from gateway.store import rollouts, units
from gateway.store.units import Observation, UnitRow
from gateway.types import Json

RATIO_ALPHA = 0.001
"""The chance that arms which are as drawn are taken for crooked."""
LEAST_SEEN = 50
"""Calls of the live release before its quantiles and its mean cost are something to compare with."""
DEAR = 4.0
"""Costs are cut off at so many times the live release's mean: a mean of what has no bound cannot be tested."""
FIRST = ("errors", "blocked")
"""What bets with a unit's first event."""


class Watched:
    """One metric: the bets on harm and on safety, and the difference between bounds."""

    def __init__(self, name: str, margin: float, held: Json | None = None) -> None:
        self.name, self.margin = name, margin
        self._unit = DEAR if name == "cost" else 1.0
        """What an outcome of 1 is, in what people give margins in."""
        first, tolerance = name in FIRST, margin / self._unit
        harm = Bet("harm", 0.0 if first else tolerance, centred=not first)
        safe = Bet("safe", tolerance)
        self.harm = Betting.from_json(harm, held["harm"]) if held else Betting(harm)
        self.safe = Betting.from_json(safe, held["safe"]) if held else Betting(safe)
        self.harmful_since: float | None = held.get("harmful_since") if held else None
        """Unix time from which on harm has been shown without a break; None where it is not shown."""
        self.difference = DifferenceSequence.from_json(held["difference"]) if held else DifferenceSequence()

    def event(self, arm: str, weight: float) -> None:
        """A unit fared badly for the first time."""
        self.harm.update(_candidate(arm), weight, 1.0)

    def outcome(self, arm: str, weight: float, bad: float) -> None:
        """What a unit came to, from 0 to 1."""
        if self.name not in FIRST:
            self.harm.update(_candidate(arm), weight, bad)
        self.safe.update(_candidate(arm), weight, bad)
        self.difference.update(_candidate(arm), weight, bad)

    @property
    def means(self) -> tuple[float, float]:
        """Of the live release and of the candidate, as margins are given; not a number where there is none."""
        live, candidate = (self._unit * float(mean) for mean in self.safe.means)
        return live, candidate

    def as_json(self) -> Json:
        return {
            "harm": self.harm.as_json(),
            "safe": self.safe.as_json(),
            "harmful_since": self.harmful_since,
            "difference": self.difference.as_json(),
        }

    def weigh(self, threshold: float, now: float) -> None:
        """Keep in mind since when harm has been shown. By the evidence as it is, not the most it ever was: what comes
        late of the other arm takes it back."""
        if float(self.harm.log_e) < threshold:
            self.harmful_since = None
        elif self.harmful_since is None:
            self.harmful_since = now

    def told(self, alpha: float, share: int) -> Json:
        """For people: means, bounds of the difference at `alpha`, and how far either test is from its end, 0 to 1."""
        live, candidate = self.means
        low, high = (self._unit * bound for bound in self.difference.bounds(alpha))
        counted = int(self.safe.units.sum())
        return {
            "metric": self.name,
            "margin": self.margin,
            "live": None if math.isnan(live) else live,
            "candidate": None if math.isnan(candidate) else candidate,
            "low": low if counted else None,
            "high": high if counted else None,
            "units": counted,
            "harm": _progress(float(self.harm.log_e), share / alpha),
            "safe": _progress(float(self.safe.peak), 1 / alpha),
        }


class Analysis:
    """All there is to the comparison in a canary; goes to JSON and back, exactly."""

    def __init__(self, plan: Canary, held: Json | None = None) -> None:
        self._plan = plan
        held = held or {}
        self.watched = [
            Watched(name, margin, held.get("metrics", {}).get(name)) for name, margin in plan.margins.items()
        ]
        self._by_name = {watched.name: watched for watched in self.watched}
        self.ratio = Ratio.from_json(held["ratio"]) if "ratio" in held else Ratio()
        self._times = Histogram.from_json(held.get("times", {}))
        self._costs: list[float] = held.get("costs", [0.0, 0.0])
        self.units: dict[str, int] = held.get("units", {})

    def as_json(self) -> Json:
        return {
            "metrics": {watched.name: watched.as_json() for watched in self.watched},
            "ratio": self.ratio.as_json(),
            "times": self._times.as_json(),
            "costs": self._costs,
            "units": self.units,
        }

    def arrived(self, arm: str, weight: float, step: int) -> None:
        """A unit's first call in a step."""
        self.ratio.update(_candidate(arm), weight)
        if arm == "candidate":
            self.units[str(step)] = self.units.get(str(step), 0) + 1

    def call(self, seen: Observation, unit: UnitRow) -> None:
        """One call of a unit that is still being added up. What it is compared with is what was seen before it."""
        sums = unit.sums
        sums["calls"] += 1
        for name, bad in (("errors", seen.failed), ("blocked", seen.blocked)):
            if bad:
                if not sums[name] and name in self._by_name:
                    self._by_name[name].event(unit.arm, sums["weight"])
                sums[name] += 1
        if not seen.failed and not seen.blocked:
            self._measured(seen, unit)

    def score(self, seen: Observation, unit: UnitRow) -> None:
        """A score of one of its calls; the first counts."""
        watched = self._by_name.get(f"score:{seen.metric}")
        if watched is None or seen.value is None or seen.metric in unit.sums["scored"]:
            return
        unit.sums["scored"].append(seen.metric)
        watched.outcome(unit.arm, unit.sums["weight"], 1 - min(1.0, max(0.0, seen.value)))

    def close(self, unit: UnitRow) -> None:
        """A unit's time is over: it counts."""
        sums = unit.sums
        for name in FIRST:
            if name in self._by_name and sums["calls"]:
                self._by_name[name].outcome(unit.arm, sums["weight"], sums[name] / sums["calls"])
        for name in ("slow_p50", "slow_p95", "cost"):
            if name in self._by_name and sums["measured"]:
                self._by_name[name].outcome(unit.arm, sums["weight"], sums[name] / sums["measured"])

    def _measured(self, seen: Observation, unit: UnitRow) -> None:
        sums, ready = unit.sums, self._times.count >= LEAST_SEEN
        if ready:
            sums["measured"] += 1
            for name, quantile in (("slow_p50", 0.5), ("slow_p95", 0.95)):
                limit = self._times.quantile(quantile)
                sums[name] += limit is not None and seen.total_us > limit
            mean = self._costs[0] / self._costs[1]
            sums["cost"] += min(1.0, seen.cost / (DEAR * mean)) if mean else float(seen.cost > 0)
        if unit.arm == "live":
            self._times.add(seen.total_us)
            self._costs = [self._costs[0] + seen.cost, self._costs[1] + 1]

    def told(self) -> list[Json]:
        return [watched.told(self._plan.alpha, len(self.watched)) for watched in self.watched]

    def finding(self, now: float) -> tuple[Finding, list[str]]:
        """The ratio first, then harm, then safety. Harm must have been shown for a while: in an outage that both arms
        share, failures of one may be heard of before those of the other."""
        alpha = self._plan.alpha
        if float(self.ratio.peak) >= math.log(1 / RATIO_ALPHA):
            return Finding.INVALID, ["Units do not come to the arms as they are drawn: nothing can be compared."]
        for one in self.watched:
            one.weigh(math.log(len(self.watched) / alpha), now)
        suspected = {one: one.harmful_since for one in self.watched if one.harmful_since is not None}
        harmed = [one for one, since in suspected.items() if now - since >= seconds(self._plan.harm_for)]
        if harmed:
            return Finding.HARM, [_harm(one) for one in harmed]
        if suspected:
            return Finding.SUSPECTED, [_harm(one) for one in suspected]
        unsure = [one.name for one in self.watched if float(one.safe.peak) < math.log(1 / alpha)]
        if unsure:
            return Finding.NOTHING_YET, [f"Not shown yet for {', '.join(unsure)}."]
        return Finding.SAFE, ["Shown to be within its margins on all that is watched."]


def compare(connection: Connection, rollout: Rollout, now: float) -> Comparison:
    """Take in what has come since, keep it with the rollout, and say what it comes to."""
    if rollout.stage is Stage.SHADOW:
        return _shadow(connection, rollout)
    if rollout.stage is Stage.CANARY and rollout.plan.canary is not None:
        return _canary(connection, rollout, rollout.plan.canary, now)
    return Comparison()


def _canary(connection: Connection, rollout: Rollout, plan: Canary, now: float) -> Comparison:
    held = (rollout.analysis or {}).get("canary")
    analysis = Analysis(plan, held)
    seen = [one for one in units.drain(connection, rollout.id) if one.arm in ("live", "candidate") and one.unit]
    if rollout.step == 0:  # twins of the shadow stage that come late were not drawn
        seen = [one for one in seen if one.at >= rollout.entered]
    known = {(row.unit, row.step): row for row in units.of_units(connection, rollout.id, {one.unit for one in seen})}
    there = set(known)
    for one in seen:
        unit = known.get((one.unit, one.step))
        if unit is None:
            unit = _arrive(analysis, one, rollout, plan, known)
            known[(one.unit, one.step)] = unit
        if unit.sums["weight"] and one.arm == unit.arm:
            if one.metric is not None:
                analysis.score(one, unit)
            elif not unit.closed:
                analysis.call(one, unit)
    units.put(connection, rollout.id, known.values(), there)
    over = units.due(connection, rollout.id, now - seconds(plan.settle))
    for row in over:
        if row.sums["weight"]:
            analysis.close(row)
    closed = [UnitRow(row.unit, row.step, row.arm, row.first, True, row.sums) for row in over]
    units.put(connection, rollout.id, closed, {(row.unit, row.step) for row in closed})
    finding, reasons = analysis.finding(now)
    if seen or over:
        rollouts.change(
            connection,
            rollout,
            analysis={**(rollout.analysis or {}), "canary": analysis.as_json(), "told": analysis.told()},
        )
    return Comparison(finding, analysis.units.get(str(rollout.step), 0), tuple(reasons))


def _arrive(
    analysis: Analysis, one: Observation, rollout: Rollout, plan: Canary, known: dict[tuple[str, int], UnitRow]
) -> UnitRow:
    """A unit's first call in a step. Its weight is the chance it had of the candidate, given the steps before; 0 where
    it was there already."""
    weight = plan.steps[one.step] if one.step < len(plan.steps) else 0.0
    before = [row for (name, step), row in known.items() if name == one.unit and step < one.step]
    if any(row.arm == "candidate" for row in before):
        weight = 0.0
    elif before:
        passed = max(plan.steps[row.step] for row in before)
        weight = (weight - passed) / (1 - passed)
    if weight:
        analysis.arrived(one.arm, weight, one.step)
    sums = {
        "weight": weight,
        "calls": 0,
        "errors": 0,
        "blocked": 0,
        "measured": 0,
        "slow_p50": 0,
        "slow_p95": 0,
        "cost": 0.0,
        "scored": [],
    }
    return UnitRow(one.unit, one.step, one.arm, one.at, False, sums)


def _shadow(connection: Connection, rollout: Rollout) -> Comparison:
    """Each shadow with its twin. Both sides of a pair wait for each other as a unit under the call's id."""
    held: Json = (rollout.analysis or {}).get("shadow", {})
    watched = {name: Paired.from_json(held[name]) if name in held else Paired() for name in FIRST}
    pairs: int = held.get("pairs", 0)
    seen = [one for one in units.drain(connection, rollout.id) if one.metric is None]
    sides = [(one.pair if one.arm == "shadow" else one.call, one) for one in seen]
    wanted = {call for call, _ in sides if call is not None}
    known = {row.unit: row for row in units.of_units(connection, rollout.id, wanted)}
    there = {(row.unit, row.step) for row in known.values()}
    for call, one in sides:
        if call is None:
            continue
        row = known.setdefault(call, UnitRow(call, 0, "pair", one.at, False, {}))
        row.sums[one.arm] = {"errors": one.failed, "blocked": one.blocked}
        if row.sums.keys() >= {"live", "shadow"} and not row.closed:
            known[call] = UnitRow(call, 0, "pair", row.first, True, row.sums)
            pairs += 1
            for name, paired in watched.items():
                paired.update(row.sums["live"][name], row.sums["shadow"][name])
    units.put(connection, rollout.id, known.values(), there)
    alpha = rollout.plan.canary.alpha if rollout.plan.canary is not None else 0.05
    if seen:
        kept = {name: paired.as_json() for name, paired in watched.items()}
        told = [_pair_told(name, paired, pairs, alpha) for name, paired in watched.items()]
        analysis = {**(rollout.analysis or {}), "shadow": {**kept, "pairs": pairs}, "told": told}
        rollouts.change(connection, rollout, analysis=analysis)
    harmed = [name for name, paired in watched.items() if float(paired.peak) >= math.log(len(watched) / alpha)]
    reasons = [
        f"{name}: only the candidate fared badly in {int(watched[name].discordant[1])} pairs, "
        f"only the live release in {int(watched[name].discordant[0])}"
        for name in harmed
    ]
    return Comparison(Finding.HARM if harmed else Finding.NOTHING_YET, pairs, tuple(reasons))


def _pair_told(name: str, paired: Paired, pairs: int, alpha: float) -> Json:
    live, candidate = (int(count) for count in paired.discordant)
    return {
        "metric": name,
        "margin": 0.0,
        "live": live / pairs if pairs else None,
        "candidate": candidate / pairs if pairs else None,
        "low": None,
        "high": None,
        "units": pairs,
        "harm": _progress(float(paired.peak), len(FIRST) / alpha),
        "safe": 0.0,
    }


def _harm(watched: Watched) -> str:
    live, candidate = watched.harm.units
    if watched.name in FIRST:
        said = f"{int(candidate)} units of the candidate's and {int(live)} of the live release's"
        return f"{watched.name}: {said} saw one, more than the draw explains"
    before, after = watched.means
    return f"{watched.name}: worse than the live release by more than {watched.margin:g} ({after:.3g}, {before:.3g})"


def _candidate(arm: str) -> float:
    return 1.0 if arm == "candidate" else 0.0


def _progress(log_e: float, threshold: float) -> float:
    return min(1.0, max(0.0, log_e / math.log(threshold)))
