"""`sluice eval show`, of the logs of runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evals.cli.app import cli
from evals.errors import BadInput
from evals.statistics import intervals
from tests.evals.making import run_once, suite_of

ROWS = [
    {"id": f"q{at}", "input": "yes" if at % 3 else "perhaps", "expected": "yes" if at % 2 else "no", "half": at // 4}
    for at in range(8)
]
"""Asked of what repeats the question."""


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["show", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


@pytest.fixture
def run(tmp_path: Path) -> Path:
    scorers = ["latency", "grounded", {"kind": "label", "name": "said", "labels": ["yes", "no"]}]
    suite = suite_of(tmp_path, ROWS, target="scripted", scorers=scorers, slices=["half"])
    run_once(suite, tmp_path)
    return tmp_path / "run"


def test_a_run_is_shown_by_metric_and_slice(run: Path) -> None:
    said = shown(str(run))
    assert "run: 8 samples, 8 asked, 8+8 tokens, 0.000000 USD" in said
    lines = {tuple(line.split()[:2]): line for line in said.splitlines() if line.strip()}
    assert "8 there are no documents" in lines[("grounded", "none")]
    bounds = intervals.proportion([1] * 3 + [0] * 5)
    told = ["said", "0.375", f"{bounds.low:.3f}", "to", f"{bounds.high:.3f}", "8", "8"]
    assert lines[("said", "0.375")].split() == told
    assert ("half=0", "0.250") in lines
    assert ("half=1", "0.500") in lines
    assert "said: accuracy 0.375, F1" in said
    assert ("expected", "no") in lines
    assert lines[("yes", "0")].split() == ["yes", "0", "3", "1"]
    assert "seconds: half within" in said


def test_the_same_for_machines(run: Path) -> None:
    found = json.loads(shown(str(run), "--json"))["run"]
    assert found["metrics"]["said"]["value"] == 0.375
    assert found["slices"]["half"]["1"]["said"]["n"] == 4
    assert found["labels"]["said"]["labels"] == ["no", "yes"]


def test_the_arms_of_a_run_are_shown_one_below_the_other(run: Path) -> None:
    arms = run.parent / "arms"
    arms.mkdir()
    for name in ("baseline", "candidate"):
        (arms / name).symlink_to(run)
    said = shown(str(arms))
    assert said.index("candidate: 8 samples") < said.index("baseline: 8 samples")


def test_what_a_dataset_says_is_no_markup(tmp_path: Path) -> None:
    rows = [{"id": "1", "input": "x", "expected": "[/bold]", "half": "[red]"}]
    labels = {"kind": "label", "labels": ["[/bold]", "[x]"]}
    run_once(suite_of(tmp_path, rows, target="scripted", scorers=[labels], slices=["half"]), tmp_path)
    said = shown(str(tmp_path / "run"))
    assert "half=[red]" in said
    assert "[/bold]" in said


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no run: name a folder"):
        shown(str(tmp_path))
