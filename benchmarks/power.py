"""What `sluice eval plan` forecasts of a gate, beside what the gate then does: other draws, and clusters that come
about in another way (each has a share of its own, beta-distributed).

    python -m benchmarks.power [--runs 4000]
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from evals.gate import Requirement
from evals.power import Supposed, power
from evals.statistics.bounds import mean

CASES = [
    (margin, differ, cluster, alike, items)
    for margin, differ, sizes in ((0.05, 0.1, (200, 400)), (0.03, 0.1, (600, 1200)), (0.05, 0.2, (400, 800)))
    for cluster, alike in ((1, 0.0), (5, 0.3))
    for items in sizes
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4000)
    runs = parser.parse_args().runs
    print("| margin | items that differ | cluster | correlation | items | forecast | passed | off by |")
    print("|---|---|---|---|---|---|---|---|")
    for margin, differ, cluster, alike, items in CASES:
        asked = Requirement(metric="right", suite="0" * 64, margin=margin)
        told = power(asked, Supposed(differ / 2, differ / 2, cluster=cluster, alike=alike), items)
        seen = _passed(asked, differ, cluster, alike, items, runs)
        cells = f"| {margin:.0%} | {differ:.0%} | {cluster} | {alike:g} | {items} | {told:.1%} | {seen:.1%} |"
        print(f"{cells} {100 * (told - seen):+.1f} |", flush=True)


def _passed(asked: Requirement, differ: float, cluster: int, alike: float, items: int, runs: int) -> float:
    random = np.random.default_rng(77)
    names = (np.arange(items) // cluster).tolist()
    margin = asked.margin or 0.0
    found = 0
    for _ in range(runs):
        values = _clustered(differ, cluster, alike, items, random)
        found += mean(values, names, asked.alpha / 2).low > -margin
    return found / runs


def _clustered(
    differ: float, cluster: int, alike: float, items: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Each cluster has its own shares of better and worse items: Dirichlet-distributed, with the correlation asked
    for."""
    shares = np.array([differ / 2, differ / 2, 1 - differ])
    count = -(-items // cluster)
    of = np.tile(shares, (count, 1)) if alike == 0 else random.dirichlet(shares * (1 - alike) / alike, count)
    at = random.random(items)
    mine = np.repeat(of, cluster, axis=0)[:items]
    return (at < mine[:, 0]).astype(np.float64) - ((at >= mine[:, 0]) & (at < mine[:, 0] + mine[:, 1]))


if __name__ == "__main__":
    main()
