"""The templates for CI, run as CI runs them: by the shell, with a suite of a scripted target."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.evals.making import suite_of

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
JOB = yaml.safe_load((ROOT / "ci" / "gitlab" / "eval.yml").read_text())[".sluice-eval"]
RIGHT = json.dumps({"kind": "scripted", "rules": [{"when": rf"^What is {n} \+", "say": str(2 * n)} for n in range(60)]})
NOTHING: dict[str, str] = {
    "SLUICE_SUITE": "suite.yaml",
    "SLUICE_TARGET": "",
    "SLUICE_RELEASE": "",
    "SLUICE_GATE_FILE": "",
    "SLUICE_BUDGET": "",
}


def shell(folder: Path, script: str, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Where `python` is the one of these tests."""
    rows = [{"id": f"q{n}", "input": f"What is {n} + {n}?", "expected": str(2 * n)} for n in range(60)]
    suite_of(folder, rows)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    held = {"PATH": path, "HOME": str(folder), "PYTHONPATH": str(ROOT), "RUNNER_TEMP": str(folder)}
    held |= {"GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "GITHUB_OUTPUT": str(folder / "output.txt")}
    return subprocess.run(
        [*options, "-c", script], cwd=folder, env={**held, **NOTHING, **env}, capture_output=True, text=True, timeout=50
    )


def gate(folder: Path, least: float) -> None:
    asked = {"metric": "exact", "suite": "suite.yaml", "at_least": least}
    (folder / "gate.yaml").write_text(yaml.safe_dump({"requires": [asked]}))


def step(name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in ACTION["runs"]["steps"] if one["name"] == name)
    return found


@pytest.mark.parametrize(
    ("env", "code", "word"),
    [
        ({}, 0, "pass"),
        ({"SLUICE_GATE_FILE": "gate.yaml", "SLUICE_TARGET": RIGHT}, 0, "pass"),
        ({"SLUICE_GATE_FILE": "gate.yaml"}, 1, "fail"),
        ({"SLUICE_SUITE": "none.yaml"}, 2, "bad input"),
    ],
)
def test_the_action_ends_as_the_run_does_and_says_so(tmp_path: Path, env: dict[str, str], code: int, word: str) -> None:
    gate(tmp_path, 0.8)
    done = shell(tmp_path, step("Run")["run"], "bash", "--noprofile", "--norc", "-eo", "pipefail", **env)
    assert done.returncode == code, done.stdout + done.stderr
    assert (tmp_path / "summary.md").read_text().startswith(f"## {word}: `")
    assert f"exit-code={code}" in (tmp_path / "output.txt").read_text().splitlines()


@pytest.mark.parametrize(("env", "code"), [({}, 0), ({"SLUICE_GATE_FILE": "gate.yaml"}, 1)])
def test_the_job_for_gitlab_ends_as_the_run_does(tmp_path: Path, env: dict[str, str], code: int) -> None:
    gate(tmp_path, 0.8)
    done = shell(tmp_path, JOB["script"][1], "sh", "-e", **env)
    assert done.returncode == code, done.stdout + done.stderr
    assert (tmp_path / "sluice-run" / "candidate" / "run.json").is_file()


def test_inputs_reach_the_shell_as_variables_and_never_as_its_text() -> None:
    for one in ACTION["runs"]["steps"]:
        assert "${{" not in one.get("run", "")
    read = {
        value.split("inputs.")[1].rstrip("} ") for name in ("Install", "Run") for value in step(name)["env"].values()
    }
    assert read == set(ACTION["inputs"])
