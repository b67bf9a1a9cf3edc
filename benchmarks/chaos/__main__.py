"""Run the experiments in full and show what they found.

    python -m benchmarks.chaos --only kills --json chaos.json

Ends with status 1 where a promise was broken. `--reduced` takes the sizes of the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.chaos import database, disk, faults, kills, memory, state
from benchmarks.chaos.finding import Finding

Experiment = Callable[[Path, bool], Coroutine[None, None, Finding]]
EXPERIMENTS: dict[str, Experiment] = {
    "faults": faults.experiment,
    "kills": kills.experiment,
    "dead-database": database.experiment,
    "full-disk": disk.experiment,
    "state": state.experiment,
    "memory": memory.experiment,
}
"""By name; each takes an empty folder, and whether it runs in full."""


def flat(figures: dict[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}: ")
        else:
            yield f"{prefix}{name}", value


def shown(findings: list[Finding]) -> Table:
    table = Table("experiment", "figure", "value", title="Chaos", title_style="bold")
    for finding in findings:
        name = f"[{'green' if finding.kept else 'red'}]{finding.name}[/]"
        for figure, value in flat(finding.figures):
            table.add_row(name, figure, f"{value:,}" if isinstance(value, int | float) else str(value))
            name = ""
        for what in finding.broken:
            table.add_row("", "[red]broken[/]", what)
        table.add_section()
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=EXPERIMENTS, action="append", help="repeatable; default: all of them")
    parser.add_argument("--reduced", action="store_true", help="a minute in all, as in the tests")
    parser.add_argument("--json", type=Path, help="write the findings here")
    asked = parser.parse_args()
    console = Console()
    findings: list[Finding] = []
    for name in asked.only or EXPERIMENTS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder, console.status(f"{name} …"):
            findings.append(asyncio.run(EXPERIMENTS[name](Path(folder), not asked.reduced)))
        verdict = "as promised" if findings[-1].kept else "[red]broken[/]"
        console.print(f"{name}: {verdict}, {time.monotonic() - started:.0f} s")
    console.print(shown(findings))
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    sys.exit(not all(finding.kept for finding in findings))


if __name__ == "__main__":
    main()
