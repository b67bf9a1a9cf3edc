"""Two runs of a suite, side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.comparison import Comparison, compare
from evals.errors import BadInput
from evals.targets.scripted import ScriptedSpec
from tests.evals.cli.test_run import sluice
from tests.evals.making import run_once, suite_of

ROWS = [
    {"id": f"q{n}", "input": f"What is {n}?", "expected": str(n), "half": "low" if n < 10 else "high"}
    for n in range(20)
]


def says(right: set[int]) -> ScriptedSpec:
    rules = [{"when": rf"^What is {n}\?", "say": str(n)} for n in right]
    return ScriptedSpec.model_validate({"kind": "scripted", "rules": rules})


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """From 10 right to 14: six gained, all of the lower half, and two lost."""
    suite = suite_of(tmp_path, ROWS, slices=["half"])
    for name, right in (("baseline", set(range(4, 14))), ("candidate", {*range(10), *range(10, 14)} - {12, 13})):
        run_once(suite, tmp_path, says(right))
        (tmp_path / "run").rename(tmp_path / name)
    return tmp_path / "baseline", tmp_path / "candidate"


def only(found: Comparison) -> object:
    (metric,) = found.metrics
    return metric


def test_what_changed(runs: tuple[Path, Path]) -> None:
    (metric,) = compare(*runs).metrics
    assert metric.change is not None
    assert (metric.change.before, metric.change.after, metric.change.n) == (0.5, 0.6, 20)
    assert (metric.change.better, metric.change.worse) == (4, 2)
    assert metric.change.p == pytest.approx(44 / 64)
    assert {flip.sample for flip in metric.gained} == {"q0", "q1", "q2", "q3"}
    assert [(flip.sample, flip.said_before, flip.said_after) for flip in metric.lost] == [
        ("q13", "13", "What is 13?"),
        ("q12", "12", "What is 12?"),
    ], "in the order in which they were asked"


def test_its_parts_are_looked_at_together(runs: tuple[Path, Path]) -> None:
    (metric,) = compare(*runs).metrics
    high, low = metric.parts
    assert (low.value, low.change.better, low.change.worse, high.change.worse) == ("low", 4, 0, 2)
    assert (low.change.p, low.adjusted) == (0.125, 0.25)
    assert high.adjusted == 0.5


def test_turned_it_is_the_other_way_round(runs: tuple[Path, Path]) -> None:
    (one,), (other,) = compare(*runs).metrics, compare(*reversed(runs)).metrics
    assert one.change is not None
    assert other.change is not None
    assert other.change.difference == -one.change.difference
    assert [flip.sample for flip in other.lost] == [flip.sample for flip in one.gained]


def test_runs_of_two_suites_are_not_compared(tmp_path: Path, runs: tuple[Path, Path]) -> None:
    run_once(suite_of(tmp_path, ROWS[:5]), tmp_path, says(set()))
    with pytest.raises(BadInput, match="versions of a suite"):
        compare(runs[0], tmp_path / "run")


def test_samples_that_one_run_lacks_are_counted(runs: tuple[Path, Path]) -> None:
    results = runs[1] / "results.jsonl"
    results.write_bytes(b"".join(results.read_bytes().splitlines(keepends=True)[:15]))
    (metric,) = compare(*runs).metrics
    assert metric.missing == 5
    assert metric.change is not None
    assert metric.change.n == 15


def test_the_command(runs: tuple[Path, Path]) -> None:
    folder = runs[0].parent
    done = sluice(folder, "diff", "baseline", "candidate", "--flips", "1")
    assert done.returncode == 0, done.stderr
    assert "exact worse: q13  1 → 0" in done.stdout
    assert done.stdout.count("exact better") == 1
    told = json.loads(sluice(folder, "diff", ".", "--json").stdout)
    assert told["metrics"][0]["change"]["better"] == 4
    assert sluice(folder, "diff", "nowhere").returncode == 2
