"""How long a report and a diff take over runs of many results, and how much memory: commands as people give them, from
their start to their end, over a candidate and a baseline with as many results each.

    python -m benchmarks.evals_report [--results 1000000] [--lines]

Three metrics, clusters of five, two columns of slices with 24 parts in all; 6 % of the samples change. With `--lines`
there is no Parquet file, and the logs are read by their lines.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from random import Random

from evals.runs import parquet
from evals.runs.log import TABLE, Header, MetricHeader, RunLog
from evals.sample import Output, Result, Sample, Score, Usage

METRICS = (
    MetricHeader("exact", "exact", "right or wrong"),
    MetricHeader("similarity", "similarity", "from 0 to 1"),
    MetricHeader("polite", "contains", "right or wrong"),
)
COMMANDS = (
    ("report -f html", "report", "RUN", "-f", "html", "--out", "OUT"),
    ("report -f markdown", "report", "RUN", "-f", "markdown", "--out", "OUT"),
    ("diff", "diff", "RUN"),
    ("show", "show", "RUN"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=int, default=1_000_000)
    parser.add_argument("--lines", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for arm, accuracy in (("baseline", 0.80), ("candidate", 0.81)):
            # in a process of its own: what it takes would count for those that are begun by this one
            making = get_context("spawn").Process(
                target=made, args=(folder / arm, given.results, accuracy, given.lines)
            )
            making.start()
            making.join()
            assert making.exitcode == 0
        for title, *command in COMMANDS:
            seconds, memory = timed([{"RUN": name, "OUT": f"{name}/out"}.get(word, word) for word in command])
            print(f"{title:20} {seconds:6.2f} s  {memory:6.0f} MB  ({given.results:,} results in each of two logs)")


def made(folder: Path, results: int, accuracy: float, lines: bool = False) -> None:
    header = Header(
        id=folder.name,
        suite="many",
        suite_digest="0" * 64,
        dataset_digest="1" * 64,
        target={"kind": "scripted", "arm": folder.name},
        target_digest=folder.name,
        metrics=METRICS,
        repeats=1,
        seed=0,
        samples=results,
        started=0.0,
        version="0",
        state="complete",
        slices=("language", "topic"),
        asked=results,
        cost=0,
    )
    log = RunLog.create(folder, header, samples(results))
    chance = Random(folder.name)
    for first in range(0, results, 32):  # as many are on their way at once, and end in any order
        numbers = list(range(first, min(results, first + 32)))
        chance.shuffle(numbers)
        for number in numbers:
            log.add(result(number, chance, accuracy))
    log.close()
    if not lines:
        began = time.perf_counter()
        parquet.write(folder)
        size = (folder / TABLE).stat().st_size / 1e6
        print(f"{folder.name}: Parquet of {size:,.0f} MB in {time.perf_counter() - began:.1f} s")


def samples(count: int) -> Iterator[Sample]:
    for number in range(count):
        text = f"Question {number}: a customer writes that their card, ordered {number % 30} days ago, has not arrived."
        yield Sample(
            f"q{number:07}",
            ({"role": "user", "content": text},),
            expected="card_arrival",
            cluster=f"c{number // 5}",
            slices={"language": f"l{number % 4}", "topic": f"t{number % 20}"},
        )


def result(number: int, chance: Random, accuracy: float) -> Result:
    held = Random(number).random() < 0.97
    right = float((Random(-number).random() if held else chance.random()) < accuracy)
    said = f"Cards arrive within {number % 10} working days; yours is on its way, and we will write when it is there."
    output = Output(said, model="m", reply=f"r{number}", usage=Usage(40, 24, 12), seconds=chance.random())
    scores = {
        "exact": Score(right, "" if right else "another answer was expected"),
        "similarity": Score(chance.random()),
        "polite": Score(float(number % 7 > 0)),
    }
    return Result(f"q{number:07}", 0, output, scores, float(number))


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Seconds, and megabytes that were in memory at most."""
    began = time.perf_counter()
    done = subprocess.Popen([sys.executable, "-m", "evals", *command], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(done.pid, 0)
    assert status == 0, f"{command} ended with {status}"
    return time.perf_counter() - began, used.ru_maxrss * resource_unit()


def resource_unit() -> float:
    """In megabytes: `ru_maxrss` is in KiB on Linux, and in bytes on macOS."""
    return 1 / 1e6 if sys.platform == "darwin" else 1024 / 1e6


if __name__ == "__main__":
    main()
