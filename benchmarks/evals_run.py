"""How many samples a second a run takes on one core, with everything but the model: reading, asking, keeping the
answers, scoring by two scorers, logging. The target is scripted.

    python -m benchmarks.evals_run [--samples 20000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from evals.runs import runner
from evals.runs.answers import AnswersFile
from evals.runs.budget import Budget
from evals.runs.executors.local import Local
from evals.suite import read

SUITE = """
suite: sums
dataset: items.jsonl
target: {kind: scripted, rules: [{when: "7", say: "42 is the answer."}]}
scorers: [exact, {kind: contains, name: polite, texts: [please]}]
slices: [topic]
limits: {concurrency: 32}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.sched_setaffinity(0, {0})
    rates = [round_of(given.samples) for _ in range(given.rounds)]
    seen = ", ".join(f"{rate:,.0f}" for rate in rates)
    print(f"{given.samples} samples: {statistics.median(rates):,.0f} a second (of {seen})")


def round_of(count: int) -> float:
    """Samples a second, of a whole run: from the suite's file to the header of the ended log."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "suite.yaml").write_text(SUITE)
        with (folder / "items.jsonl").open("w") as file:
            for n in range(count):
                row = {"id": f"q{n}", "input": f"What is {n} + {n}? Answer with a number.", "expected": str(2 * n)}
                file.write(json.dumps({**row, "cluster": f"c{n // 5}", "topic": f"t{n % 4}"}) + "\n")
        began = time.perf_counter()
        suite = read(folder / "suite.yaml")
        assert suite.target is not None
        answers = AnswersFile(folder / "answers.db")
        arms = [runner.Arm("candidate", suite.target, folder / "run")]
        (header,) = runner.run(suite, arms, lambda work: Local(work, answers, Budget()))
        assert header.asked == count
        return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
