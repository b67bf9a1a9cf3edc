"""Suites made for a test, in a folder of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from evals.runs import runner
from evals.runs.answers import AnswersFile
from evals.runs.budget import Budget
from evals.runs.executors.base import Executor
from evals.runs.executors.local import Local
from evals.runs.log import Header
from evals.runs.work import Work
from evals.suite import Suite, read
from evals.targets.base import TargetSpec

ROWS = [
    {
        "id": f"q{number}",
        "input": f"What is {number} + {number}?",
        "expected": str(2 * number),
        "cluster": f"c{number // 3}",
    }
    for number in range(12)
]
RULES = [{"when": rf"^What is {number} \+", "say": str(2 * number)} for number in range(12) if number % 4]
"""Three answers of four are right; else the question is repeated."""


def suite_of(folder: Path, rows: list[dict[str, Any]] | None = None, **keys: Any) -> Suite:
    """Read from `folder / suite.yaml`, which is written with its dataset."""
    lines = [json.dumps(row) for row in (ROWS if rows is None else rows)]
    (folder / "items.jsonl").write_text("\n".join(lines) + "\n")
    given = {
        "suite": "sums",
        "dataset": "items.jsonl",
        "target": {"kind": "scripted", "rules": RULES, "cost": 10},
        "scorers": ["exact"],
    }
    path = folder / "suite.yaml"
    path.write_text(yaml.safe_dump({**given, **keys}))
    return read(path)


def run_once(
    suite: Suite, folder: Path, spec: TargetSpec | None = None, options: runner.Options | None = None
) -> Header:
    """Of one arm, its log in `folder / run`, its answers in `folder / answers.db`."""
    asked = spec if spec is not None else suite.target
    assert asked is not None
    answers = AnswersFile(folder / "answers.db")

    def local(work: Work) -> Executor:
        return Local(work, answers, Budget(suite.limits.micro_usd))

    try:
        (header,) = runner.run(suite, [runner.Arm("candidate", asked, folder / "run")], local, options)
    finally:
        answers.close()
    return header
