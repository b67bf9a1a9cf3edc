"""`sluice eval run`, as people and CI give it: what it keeps, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.runs.log import read_header, read_results
from evals.suite import Suite
from tests.evals.making import RULES, suite_of

BETTER = json.dumps(
    {"kind": "scripted", "rules": [{"when": rf"^What is {n} \+", "say": str(2 * n)} for n in range(60)]}
)
"""Right on everything."""


def sluice(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evals", *arguments]
    held = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    root = str(Path(__file__).parents[3])
    return subprocess.run(
        command, cwd=folder, env={**held, "PYTHONPATH": root, **env}, capture_output=True, text=True, timeout=50
    )


def sums(folder: Path, count: int = 60, **keys: Any) -> Suite:
    rows = [{"id": f"q{n}", "input": f"What is {n} + {n}?", "expected": str(2 * n)} for n in range(count)]
    return suite_of(folder, rows, **keys)


def gate(folder: Path, **requirement: Any) -> None:
    asked = {"metric": "exact", "suite": "suite.yaml", **requirement}
    (folder / "gate.yaml").write_text(yaml.safe_dump({"requires": [asked]}))


def test_without_a_gate_a_run_passes_whatever_was_scored(tmp_path: Path) -> None:
    sums(tmp_path)
    done = sluice(tmp_path, "run", "suite.yaml", "--out", "one")
    assert done.returncode == 0, done.stderr
    assert "60 asked" in done.stdout
    assert read_header(tmp_path / "one" / "candidate").state == "complete"
    assert not (tmp_path / "one" / "gate.json").exists()


def test_runs_are_kept_by_the_suite_s_name_and_the_time(tmp_path: Path) -> None:
    sums(tmp_path)
    assert sluice(tmp_path, "run", "suite.yaml").returncode == 0
    (folder,) = (tmp_path / ".sluice" / "runs").iterdir()
    assert folder.name.startswith("sums-2")
    assert (tmp_path / ".sluice" / "answers.db").exists()


@pytest.mark.parametrize(
    ("requirement", "target", "status", "verdict"),
    [
        ({"superiority": True}, BETTER, 0, "pass"),
        ({"at_least": 0.9}, None, 1, "fail"),
        ({"superiority": True, "min_items": 500}, BETTER, 3, "underpowered"),
        ({"metric": "lacking", "superiority": True}, BETTER, 4, "invalid"),
    ],
)
def test_the_verdict_decides_how_it_ends(
    tmp_path: Path, requirement: dict[str, Any], target: str | None, status: int, verdict: str
) -> None:
    suite = sums(tmp_path)
    gate(tmp_path, **requirement)
    old = json.dumps({"kind": "scripted", "rules": RULES})
    asked = ["--target", target, "--against", old] if target is not None else []
    done = sluice(tmp_path, "run", "suite.yaml", *asked, "--gate-file", "gate.yaml", "--out", "one")
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == verdict.upper()
    held = json.loads((tmp_path / "one" / "gate.json").read_text())
    assert (held["verdict"], held["suite"], held["proof"]) == (verdict, suite.digest, None)
    assert held["requires"][0]["verdict"]["reasons"]


def test_a_suite_that_the_gate_does_not_ask_for_leaves_it_underpowered(tmp_path: Path) -> None:
    sums(tmp_path)
    gate(tmp_path, suite="0" * 64, at_least=0.1)
    done = sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml")
    assert done.returncode == 3
    assert "no evidence from the suite 000000000000" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent.yaml"], "absent.yaml: cannot be read"),
        (["suite.yaml", "--budget", "much"], "--budget"),
        (["suite.yaml", "--concurrency", "0"], "--concurrency"),
        (["suite.yaml", "--release", "0" * 64], "--target"),
        (["suite.yaml", "--target", "https://there/v1"], "https://there/v1#MODEL"),
        (["suite.yaml", "--target", "{no"], "JSON"),
        (["suite.yaml", "--target", '{"kind": "abacus"}'], "abacus"),
        (["suite.yaml", "--target", '{"kind": "scripted", "rules": [{"when": "("}]}'], "rules.0.when"),
        (["suite.yaml", "--target", "bot@12"], "release"),
        (["suite.yaml", "--target", "bot"], "SLUICE_KEY"),
        (["suite.yaml", "--gate"], "--release"),
        (["suite.yaml", "--gate-file", "none.yaml"], "none.yaml"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    sums(tmp_path)
    done = sluice(tmp_path, "run", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_gate_s_mistake_is_found_before_anything_is_asked(tmp_path: Path) -> None:
    sums(tmp_path)
    (tmp_path / "gate.yaml").write_text("requires:\n- metric: exact\n  suite: suite.yaml\n  margn: 0.1\n")
    done = sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml", "--out", "one")
    assert (done.returncode, "gate.yaml:4" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "one").exists()


def test_a_target_that_is_not_there_is_infrastructure_and_says_so(tmp_path: Path) -> None:
    sums(tmp_path, count=3, limits={"attempts": 1})
    done = sluice(tmp_path, "run", "suite.yaml", "--target", "http://127.0.0.1:9/v1#m", "--out", "one")
    assert done.returncode == 5
    assert "3 failed" in done.stdout
    assert "127.0.0.1:9" in done.stdout
    assert all(result.error for result in read_results(tmp_path / "one" / "candidate"))


def test_a_budget_that_is_spent_is_infrastructure_and_the_run_goes_on(tmp_path: Path) -> None:
    sums(tmp_path)
    asked = ["run", "suite.yaml", "--out", "one", "--json"]
    done = sluice(tmp_path, *asked, "--budget", "0.0001usd")
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit"], told["runs"][0]["state"], told["runs"][0]["asked"]) == (5, 5, "stopped", 10)
    done = sluice(tmp_path, *asked)
    assert (done.returncode, json.loads(done.stdout)["runs"][0]["asked"]) == (0, 60)


def test_the_same_command_again_is_the_same_evidence(tmp_path: Path) -> None:
    sums(tmp_path)
    gate(tmp_path, at_least=0.01)
    asked = ["run", "suite.yaml", "--gate-file", "gate.yaml", "--out", "one"]
    evidence = []
    for _ in range(2):
        assert sluice(tmp_path, *asked).returncode in (0, 1, 3)
        evidence.append(json.loads((tmp_path / "one" / "gate.json").read_text())["evidence"])
    assert evidence[0] == evidence[1]


def test_a_suite_is_checked_without_asking(tmp_path: Path) -> None:
    suite = sums(tmp_path, repeats=2)
    told = json.loads(sluice(tmp_path, "check", "suite.yaml", "--json").stdout)
    assert (told["digest"], told["samples"], told["asks"], told["clusters"]) == (suite.digest, 60, 120, 60)
    assert "digest" in sluice(tmp_path, "check", "suite.yaml").stdout
    (tmp_path / "suite.yaml").write_text("suite: sums\ndataset: items.jsonl\nscorers: [exat]\n")
    done = sluice(tmp_path, "check", "suite.yaml")
    assert (done.returncode, "suite.yaml:3" in done.stderr, "exat" in done.stderr) == (2, True, True)
