"""One worker against two: calls a second, and what a call costs.

A fair ratio of calls a second needs a core for each worker and one more for load and upstream: name them with `--cores`
and `--load-core`. On a machine with two cores the second worker shares its core with the load; there the CPU a call
costs is what can be compared: if it stays the same, twice the cores serve twice the calls.

    python benchmarks/workers.py --cores 0,1 --load-core 2
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import proxy
from proxy import PHASES, SLUICE, Bench, Result, measure, running


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", default="0,1", help="two cores, for the workers")
    parser.add_argument("--load-core", default="1", help="the core of load and upstream")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    proxy.LOAD_CORE = asked.load_core
    first, _, second = asked.cores.partition(",")
    found: dict[int, list[Result]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as scratch, Bench(Path(scratch)).upstream() as bench:
        targets = {count: bench.sluicegate(SLUICE, count) for count in found}
        for _ in range(asked.rounds):
            for count, cores in ((1, first), (2, f"{first},{second}")):
                with running(bench, targets[count], cores) as pid:
                    found[count].append(measure(bench, targets[count], PHASES[0], pid))
    print("| workers | calls/s | CPU µs a call |\n|---|---|---|")
    for count, results in found.items():
        calls, cost = (statistics.median(result[key] for result in results) for key in ("rps", "cpu_us"))
        print(f"| {count} | {calls:,.0f} | {cost:.1f} |")
    pairs = list(zip(found[1], found[2], strict=True))
    print(
        f"\nTwice the workers: {statistics.median(two['rps'] / one['rps'] for one, two in pairs):.2f} x the calls, ",
        end="",
    )
    print(f"{statistics.median(two['cpu_us'] / one['cpu_us'] for one, two in pairs):.2f} x the CPU a call.")


if __name__ == "__main__":
    main()
