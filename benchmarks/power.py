"""What `sluice eval plan` forecasts of a gate, beside what the gate itself then does with whole runs: other draws, and
clusters that come about in another way (each has a share of its own, Dirichlet-distributed). And how often a candidate
passes that is just not good enough, in a first run.

    python -m benchmarks.power [--runs 2000]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.evidence import EvalEvidence, Item
from evals.gate import Requirement, decide
from evals.power import Supposed, power
from evals.validity import look_sizes

Floats = NDArray[np.float64]

NOW = 1_800_000_000.0


@dataclass(frozen=True)
class Case:
    """`bad` is just not good enough."""

    name: str
    asked: dict[str, Any]
    good: Supposed
    bad: Supposed
    items: int

    @property
    def requirement(self) -> Requirement:
        return Requirement(metric="right", suite="c" * 64, **self.asked)


def binary(margin: float, differ: float, items: int, cluster: int = 1, alike: float = 0.0, looks: int = 1) -> Case:
    good = Supposed(differ / 2, differ / 2, cluster=cluster, alike=alike)
    bad = replace(good, better=(differ - margin) / 2, worse=(differ + margin) / 2)
    size = f"clusters of {cluster}" if cluster > 1 else f"{looks} looks" if looks > 1 else "independent"
    name = f"margin {margin:.0%}, {differ:.0%} differ, {size}"
    return Case(name, {"margin": margin, "looks": looks}, good, bad, items)


def scores(items: int, cluster: int = 1, alike: float = 0.0) -> Case:
    good = Supposed(spread=0.3, cluster=cluster, alike=alike)
    name = f"margin 0.05, scores that differ by 0.3, {f'clusters of {cluster}' if cluster > 1 else 'independent'}"
    return Case(name, {"margin": 0.05}, good, replace(good, shift=-0.05), items)


def better(items: int) -> Case:
    return Case("superiority, 10 % better, 5 % worse", {"superiority": True}, Supposed(0.1, 0.05), Supposed(), items)


def seldom(items: int) -> Case:
    return Case("at most 5 %, truly 1 %", {"at_most": 0.05}, Supposed(rate=0.01), Supposed(rate=0.05), items)


CASES = (
    *(binary(0.05, 0.1, items) for items in (200, 400)),
    *(binary(0.05, 0.1, items, 5, 0.3) for items in (200, 600)),
    *(binary(0.05, 0.2, items) for items in (400, 800)),
    *(binary(0.05, 0.2, items, 5, 0.3) for items in (400, 1200)),
    *(binary(0.03, 0.1, items) for items in (600, 1200)),
    binary(0.05, 0.1, 450, looks=5),
    *(scores(items) for items in (150, 300)),
    *(scores(items, 4, 0.3) for items in (200, 500)),
    *(better(items) for items in (300, 600)),
    *(seldom(items) for items in (120, 240)),
)


def passed(case: Case, supposed: Supposed, runs: int) -> float:
    random = np.random.default_rng(77)
    asked = case.requirement
    found = (verdict(asked, posted(asked, supposed, case.items, random)) for _ in range(runs))
    return sum(one == "pass" for one in found) / runs


def verdict(asked: Requirement, evidence: EvalEvidence) -> str:
    """As a run gets it that ends at the first look which says so."""
    said = "underpowered"
    for size in look_sizes(len(evidence.items), asked.looks):
        said = decide(asked, evidence.model_copy(update={"items": evidence.items[:size]}), NOW).verdict
        if said != "underpowered":
            break
    return said


def posted(asked: Requirement, supposed: Supposed, items: int, random: np.random.Generator) -> EvalEvidence:
    clusters = np.arange(items) // supposed.cluster
    if asked.compares:
        new, old = pairs(supposed, clusters, random)
    else:
        new = old = (random.random(items) < supposed.rate).astype(np.float64)
    made = tuple(
        Item(id=str(at), candidate={"right": one}, baseline={"right": other}, cluster=f"c{clusters[at]}")
        for at, (one, other) in enumerate(zip(new.tolist(), old.tolist(), strict=True))
    )
    facts = {"release": "a" * 64, "baseline": "b" * 64, "suite": "c" * 64, "dataset": "d" * 64}
    return EvalEvidence(**facts, made=NOW - 60, samples=items, items=made)


def pairs(supposed: Supposed, clusters: NDArray[np.int64], random: np.random.Generator) -> tuple[Floats, Floats]:
    """What the candidate and the live release come to."""
    items, count = len(clusters), int(clusters[-1]) + 1
    if supposed.spread is not None:
        shared, own = random.standard_normal(count)[clusters], random.standard_normal(items)
        noise = np.sqrt(supposed.alike) * shared + np.sqrt(1 - supposed.alike) * own
        old = random.random(items)
        return old + supposed.shift + supposed.spread * noise, old
    shares = np.array([supposed.better, supposed.worse, 1 - supposed.better - supposed.worse])
    if supposed.alike:
        mine = random.dirichlet(np.maximum(shares, 1e-9) * (1 - supposed.alike) / supposed.alike, count)[clusters]
    else:
        mine = np.broadcast_to(shares, (items, 3))
    at = random.random(items)
    improved = at < mine[:, 0]
    worsened = ~improved & (at < mine[:, 0] + mine[:, 1])
    return (~worsened).astype(np.float64), (~improved).astype(np.float64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    print("| gate | items | forecast | passed | off by | passed though just not good enough |")
    print("|---|---|---|---|---|---|")
    for case in CASES:
        told = power(case.requirement, case.good, case.items)
        seen, wrong = passed(case, case.good, runs), passed(case, case.bad, runs)
        cells = f"{case.items} | {told:.1%} | {seen:.1%} | {100 * (told - seen):+.1f} | {wrong:.1%}"
        print(f"| {case.name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
