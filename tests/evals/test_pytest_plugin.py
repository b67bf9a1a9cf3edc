"""Suites as tests of pytest, in a pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.evals.cli.test_run import sluice
from tests.evals.judges.test_judge import judged, labelled
from tests.evals.making import suite_of

ROOT = Path(__file__).parents[2]
TEST = """
import pytest

@pytest.mark.sluice_eval("suite.yaml"{more})
def test_sums(sluice_run):
    assert sluice_run.means["exact"] >= 0.7
"""


def pytest_in(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=50)


def gate(folder: Path, least: float) -> None:
    asked = {"metric": "exact", "suite": "suite.yaml", "at_least": least}
    (folder / "gate.yaml").write_text(yaml.safe_dump({"requires": [asked]}))


def sums(folder: Path) -> None:
    rows = [{"id": f"q{n}", "input": f"What is {n} + {n}?", "expected": str(2 * n)} for n in range(60)]
    rules = [{"when": rf"^What is {n} \+", "say": str(2 * n)} for n in range(60) if n % 4]
    suite_of(folder, rows, target={"kind": "scripted", "rules": rules})


def test_a_marked_test_asserts_on_means(tmp_path: Path) -> None:
    sums(tmp_path)
    (tmp_path / "test_it.py").write_text(TEST.format(more=""))
    done = pytest_in(tmp_path, "--strict-markers")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_a_gate_that_does_not_pass_fails_the_test_and_says_why(tmp_path: Path) -> None:
    sums(tmp_path)
    gate(tmp_path, 0.95)
    (tmp_path / "test_it.py").write_text(TEST.format(more=', gate="gate.yaml"'))
    done = pytest_in(tmp_path)
    assert done.returncode == 1
    assert "The gate says fail." in done.stdout
    assert "Traceback" not in done.stdout


def test_a_gate_on_a_judge_that_was_calibrated_can_pass(tmp_path: Path) -> None:
    judged(tmp_path)
    labelled(tmp_path, right=40, wrong=40)
    (tmp_path / "gate.yaml").write_text(
        yaml.safe_dump({"requires": [{"metric": "judge", "suite": "suite.yaml", "at_least": 0.5}]})
    )
    assert "not calibrated" in pytest_in(tmp_path, "--sluice-evals").stdout
    assert sluice(tmp_path, "judge", "suite.yaml", "strict").returncode == 0
    done = pytest_in(tmp_path, "--sluice-evals")
    assert done.returncode == 0, done.stdout


def test_suites_are_collected_when_asked_for(tmp_path: Path) -> None:
    sums(tmp_path)
    assert pytest_in(tmp_path).returncode == 5
    assert "1 passed" in pytest_in(tmp_path, "--sluice-evals").stdout
    gate(tmp_path, 0.95)
    done = pytest_in(tmp_path, "--sluice-evals")
    assert done.returncode == 1
    assert "The gate says fail." in done.stdout


def test_a_suite_that_cannot_be_read_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text("suite: sums\n")
    done = pytest_in(tmp_path, "--sluice-evals")
    assert done.returncode == 1
    assert "suite.yaml" in done.stdout
    assert "Traceback" not in done.stdout


def test_nothing_of_an_eval_is_imported_at_the_start() -> None:
    said = "import sys, evals.pytest_plugin; print([name for name in sys.modules if name.startswith('evals')])"
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert done.stdout.strip() == "['evals', 'evals.pytest_plugin']"
