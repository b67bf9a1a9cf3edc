"""What limits, Redis and PostgreSQL add to a call: the same gateway four ways, taking turns within each round.

    bare      SQLite, no limits
    limited   SQLite, every kind of limit on the key and on the endpoint
    stack     PostgreSQL and Redis instead, with the same limits
    before    an earlier version as `bare`, where a command of one is named

As in `proxy.py`, core 0 carries the gateway alone; PostgreSQL and Redis share core 1 with load and upstream. The figure
is the CPU of the gateway's processes for each call; ratios are taken within each round.

    python benchmarks/stack.py --rounds 5 --before PATH/TO/EARLIER/sluice
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from fleet import postgres, valkey
from proxy import PHASES, SLUICE, Bench, Result, Target, beside, measure, middle, running

LIMITS = ("--requests-per-minute", "1000000000", "--tokens-per-minute", "1000000000000", "--concurrent", "1000000")
BUDGET = ("--budget", "100000000usd/month")
CALL, BURST = PHASES[0], PHASES[3]


def limited(sluice: Path, target: Target) -> Target:
    """The same, with every kind of limit on its key and on its endpoint."""
    config = ("--config", target.command[target.command.index("--config") + 1])
    listed = subprocess.run([sluice, "keys", "list", "--json", *config], check=True, capture_output=True, text=True)
    for scope in ("endpoint:bench", f"key:{json.loads(listed.stdout)['data'][0]['id']}"):
        command = [str(sluice), "limits", "set", scope, *LIMITS, *BUDGET, *config]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path, help="the command `sluice` of an earlier version")
    parser.add_argument("--json", type=Path, help="write every figure of every round here")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with valkey(folder) as redis, postgres(folder) as database, Bench(folder).upstream() as bench:
            external = f"database: {database}\nstate: {{url: {redis}}}\n"
            targets = [
                bench.sluicegate(SLUICE, name="bare"),
                limited(SLUICE, bench.sluicegate(SLUICE, name="limited")),
                limited(SLUICE, bench.sluicegate(SLUICE, name="stack", more=external)),
            ]
            if asked.before:
                targets.insert(0, bench.sluicegate(asked.before.absolute(), name="before"))
            found = run(bench, targets, asked.rounds)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    print(report(found))


def run(bench: Bench, targets: list[Target], rounds: int) -> dict[str, dict[str, list[Result]]]:
    """Results by phase and target, one for each round."""
    found: dict[str, dict[str, list[Result]]] = {phase.name: {} for phase in (CALL, BURST)}
    for number in range(1, rounds + 1):
        for target in targets:
            print(f"round {number} of {rounds}: {target.name}", flush=True)
            with running(bench, target) as pid:
                for phase in (CALL, BURST):
                    found[phase.name].setdefault(target.name, []).append(measure(bench, target, phase, pid))
    return found


def report(found: dict[str, dict[str, list[Result]]]) -> str:
    """Markdown: each target beside the one it is compared with."""
    lines = []
    for phase, results in found.items():
        lines += [f"| {phase} | CPU µs | beside | calls/s | refused or broken |", "|---|---|---|---|---|"]
        for name, rounds in results.items():
            other = {"bare": "before", "limited": "bare", "stack": "limited"}.get(name)
            ratio = f"{beside(rounds, results[other], 'cpu_us')[0]:.2f} x {other}" if other in results else ""
            failed = sum(result["non2xx"] + result["errors"] for result in rounds)
            lines.append(
                f"| {name} | {middle(rounds, 'cpu_us'):.1f} | {ratio} | {middle(rounds, 'rps'):,.0f} | {failed} |"
            )
        lines.append("")
    foreign = [result["foreign"] for results in found.values() for rounds in results.values() for result in rounds]
    return "\n".join([*lines, f"Other work on the machine, in cores: most {max(foreign):.2f}."])


if __name__ == "__main__":
    main()
