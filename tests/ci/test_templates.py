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
    for name, more in (("gate", {}), ("large", {"min_items": 500}), ("lacking", {"metric": "lacking"})):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"requires": [{**asked, **more}]}))


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
        ({"SLUICE_GATE_FILE": "large.yaml", "SLUICE_TARGET": RIGHT}, 3, "underpowered"),
        ({"SLUICE_GATE_FILE": "lacking.yaml", "SLUICE_TARGET": RIGHT}, 4, "invalid"),
        ({"SLUICE_TARGET": "http://127.0.0.1:9/v1#m"}, 5, "infrastructure"),
    ],
)
def test_the_action_ends_as_the_run_does_and_says_so(tmp_path: Path, env: dict[str, str], code: int, word: str) -> None:
    gate(tmp_path, 0.8)
    done = shell(tmp_path, step("Run")["run"], "bash", "--noprofile", "--norc", "-eo", "pipefail", **env)
    assert done.returncode == code, done.stdout + done.stderr
    assert (tmp_path / "summary.md").read_text().startswith(f"## {word}: `")
    assert f"exit-code={code}" in (tmp_path / "output.txt").read_text().splitlines()
    (folder,) = tmp_path.glob("sluice-*")
    assert (folder / "report.md").read_text() == (tmp_path / "summary.md").read_text()
    assert {file.name for file in folder.glob("*.*")} >= {
        "said.txt",
        *(["report.html", "junit.xml"] if code != 2 else []),
    }


GH = """#!/bin/sh
# Stands for GitHub: tells of one comment where there is one, and keeps what it is told.
case "$*" in
  *--paginate*) cat comments.txt 2>/dev/null || true ;;
  *) echo "$*" >> told.txt; cp "$(echo "$*" | sed 's/.*body=@//')" body.md ;;
esac
"""


def commented(folder: Path, event: dict[str, Any], **env: str) -> subprocess.CompletedProcess[str]:
    (folder / "bin").mkdir()
    (folder / "bin" / "gh").write_text(GH)
    (folder / "bin" / "gh").chmod(0o755)
    (folder / "run").mkdir()
    (folder / "run" / "report.md").write_text("## pass\n")
    (folder / "event.json").write_text(json.dumps(event))
    path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    held = {"GITHUB_EVENT_PATH": "event.json", "GITHUB_REPOSITORY": "o/r", "SLUICE_RUN": str(folder / "run")}
    held |= {"SLUICE_MARK": "<!-- sluicegate a.yaml -->", "PATH": path, **env}
    return shell(folder, step("Comment")["run"], "bash", "--noprofile", "--norc", "-eo", "pipefail", **held)


def test_a_comment_is_written_once_and_then_anew(tmp_path: Path) -> None:
    pull = {"pull_request": {"number": 7}}
    done = commented(tmp_path, pull)
    assert done.returncode == 0, done.stderr
    assert "repos/o/r/issues/7/comments" in (tmp_path / "told.txt").read_text()
    assert (tmp_path / "body.md").read_text() == "<!-- sluicegate a.yaml -->\n## pass\n"
    other = tmp_path / "other"
    other.mkdir()
    (other / "comments.txt").write_text("42\n")
    assert commented(other, pull).returncode == 0
    assert "-X PATCH repos/o/r/issues/comments/42" in (other / "told.txt").read_text()


def test_without_a_pull_request_there_is_no_comment(tmp_path: Path) -> None:
    assert commented(tmp_path, {"ref": "refs/heads/main"}).returncode == 0
    assert not (tmp_path / "told.txt").exists()


@pytest.mark.parametrize(("env", "code"), [({}, 0), ({"SLUICE_GATE_FILE": "gate.yaml"}, 1)])
def test_the_job_for_gitlab_ends_as_the_run_does(tmp_path: Path, env: dict[str, str], code: int) -> None:
    gate(tmp_path, 0.8)
    done = shell(tmp_path, JOB["script"][1], "sh", "-e", **env)
    assert done.returncode == code, done.stdout + done.stderr
    assert (tmp_path / "sluice-run" / "candidate" / "run.json").is_file()
    assert shell(tmp_path, JOB["after_script"][0], "sh", "-e").returncode == 0
    assert (tmp_path / JOB["artifacts"]["reports"]["junit"]).is_file()
    assert JOB["cache"]["paths"] == [".sluice/answers.db"]
    assert (tmp_path / ".sluice" / "answers.db").is_file()


def test_a_job_that_made_no_run_has_nothing_to_report(tmp_path: Path) -> None:
    assert shell(tmp_path, JOB["after_script"][0], "sh", "-e").returncode == 0


def test_inputs_reach_the_shell_as_variables_and_never_as_its_text() -> None:
    for one in ACTION["runs"]["steps"]:
        assert "${{" not in one.get("run", "")
    read = {name for name in ACTION["inputs"] if f"inputs.{name}" in (ROOT / "action.yml").read_text()}
    assert read == set(ACTION["inputs"])
