"""`sluice eval assess`, from a plan to begin with to each recommendation, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.cli.assess import EXITS
from tests.evals.cli.test_run import BETTER, gate, sluice, sums

KPIS: dict[str, Any] = {
    "technical": [{"metric": "exact", "at_least": 0.8}],
    "business": [{"name": "solved", "unit": "a day", "sum": {"exact": 1}, "times": 100, "at_least": 80}],
}


def planned(folder: Path, **keys: Any) -> None:
    runs = {"holdout": {"suite": "suite.yaml", "folder": "one"}}
    held = {"evaluation": "sums", "question": "Is it right?", "runs": runs, **KPIS, **keys}
    (folder / "evaluation.yaml").write_text(yaml.safe_dump(held))


def assessed(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = sluice(folder, "assess", "evaluation.yaml", "-f", "json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_from_a_plan_to_begin_with_to_proceeding(tmp_path: Path) -> None:
    sums(tmp_path)
    assert sluice(tmp_path, "assess", "begun.yaml", "--new").returncode == 0
    assert "priority: must" in (tmp_path / "begun.yaml").read_text()
    again = sluice(tmp_path, "assess", "begun.yaml", "--new")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    planned(tmp_path)
    sealed = sluice(tmp_path, "assess", "evaluation.yaml", "--seal")
    assert sealed.returncode == 0, sealed.stderr
    gate(tmp_path, at_least=0.8)
    asked = ["--target", BETTER, "--gate-file", "gate.yaml", "--out", "one"]
    assert sluice(tmp_path, "run", "suite.yaml", *asked).returncode == 0
    status, found = assessed(tmp_path)
    assert (status, found["recommendation"]["outcome"]) == (0, "proceed")
    assert found["plan"]["digest"][:12] in sealed.stdout
    states = {
        one["name"]: one["state"] for part in ("technical", "business", "gates", "integrity") for one in found[part]
    }
    assert set(states.values()) == {"met"}
    assert set(states) == {"exact", "solved", "gate of holdout", "one candidate", "settled beforehand"}
    assert found["business"][0]["measured"] == 100


def test_what_was_never_sealed_has_a_condition(tmp_path: Path) -> None:
    sums(tmp_path)
    planned(tmp_path)
    assert sluice(tmp_path, "run", "suite.yaml", "--target", BETTER, "--out", "one").returncode == 0
    status, found = assessed(tmp_path)
    assert (status, found["recommendation"]["outcome"]) == (3, "proceed_with_conditions")
    assert [one["name"] for one in found["recommendation"]["conditions"]] == ["settled beforehand"]


def test_what_is_not_good_enough_leads_back(tmp_path: Path) -> None:
    sums(tmp_path)
    planned(tmp_path)
    sluice(tmp_path, "assess", "evaluation.yaml", "--seal")
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    status, found = assessed(tmp_path)
    assert (status, found["recommendation"]["phase"]) == (1, "modeling")
    done = sluice(tmp_path, "assess", "evaluation.yaml")
    assert done.stdout.startswith("## ❌ Return to Phase IV, modeling: sums")


def test_a_run_and_measurements_can_be_named(tmp_path: Path) -> None:
    sums(tmp_path)
    business = [{"name": "stars", "measured": "stars", "at_least": 4, "priority": "should", "condition": "Ask."}]
    planned(tmp_path, business=business, measurements="stars.yaml")
    sluice(tmp_path, "assess", "evaluation.yaml", "--seal")
    assert sluice(tmp_path, "run", "suite.yaml", "--target", BETTER, "--out", "other").returncode == 0
    named = ["--run", "holdout=other"]
    status, found = assessed(tmp_path, *named)
    assert (status, found["measurements"]) == (3, None)
    assert found["recommendation"]["conditions"][0]["condition"] == "Ask."
    stars = {"stars": {"source": "a survey", "date": "2026-11-20", "value": 4.5}}
    (tmp_path / "stars.yaml").write_text(yaml.safe_dump({"measurements": stars}))
    assert assessed(tmp_path, *named)[0] == 0
    stars["stars"]["value"] = 3
    (tmp_path / "worse.yaml").write_text(yaml.safe_dump({"measurements": stars}))
    assert assessed(tmp_path, *named, "-m", "worse.yaml")[0] == 3


def test_the_command_writes_each_form(tmp_path: Path) -> None:
    sums(tmp_path)
    planned(tmp_path)
    sluice(tmp_path, "run", "suite.yaml", "--target", BETTER, "--out", "one")
    for form, begins in (("html", "<!doctype html>"), ("markdown", "## "), ("json", "{")):
        done = sluice(tmp_path, "assess", "evaluation.yaml", "-f", form, "-o", f"report.{form}")
        assert (done.returncode, done.stdout) == (3, f"Proceed with conditions: report.{form}\n")
        assert (tmp_path / f"report.{form}").read_text().startswith(begins)
    nowhere = sluice(tmp_path, "assess", "evaluation.yaml", "-o", "no/where.md")
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluation.yaml"], "one holds no run"),
        (["evaluation.yaml", "--run", "seen=one"], "has no run 'seen'; it has holdout"),
        (["evaluation.yaml", "--run", "holdout"], "write --run NAME=FOLDER"),
        (["nowhere.yaml"], "cannot be read"),
        (["suite.yaml"], "there is no such key"),
    ],
)
def test_what_cannot_be_assessed_says_why(tmp_path: Path, arguments: list[str], said: str) -> None:
    sums(tmp_path)
    planned(tmp_path)
    done = sluice(tmp_path, "assess", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_run_of_another_suite_is_refused(tmp_path: Path) -> None:
    sums(tmp_path)
    planned(tmp_path)
    sluice(tmp_path, "run", "suite.yaml", "--target", BETTER, "--out", "one")
    sums(tmp_path, seed=3)
    done = sluice(tmp_path, "assess", "evaluation.yaml")
    assert done.returncode == 2
    assert "run it anew" in done.stderr


def test_every_recommendation_has_an_end_of_its_own() -> None:
    assert dict(EXITS) == {"proceed": 0, "return_to_phase": 1, "proceed_with_conditions": 3}


@pytest.mark.timeout(120)
def test_a_fine_tune_by_folds_and_by_what_it_was_trained_on(tmp_path: Path) -> None:
    """Two folds, each of a model that learnt the other; and a model that knows by heart what it was trained on."""
    runs: dict[str, Any] = {"holdout": {"suite": "suite.yaml", "folder": "runs/holdout"}}
    folds = ["fold-1", "fold-2"]
    for number, name in enumerate((*folds, "seen")):
        sums(tmp_path, seed=number + 1)
        (tmp_path / "suite.yaml").replace(tmp_path / f"{name}.yaml")
        runs[name] = {"suite": f"{name}.yaml", "folder": f"runs/{name}"}
    sums(tmp_path)
    planned(
        tmp_path,
        runs=runs,
        technical=[{"metric": "exact", "at_least": 0.4}],
        business=[{"name": "solved", "sum": {"exact": 1}, "at_least": 0.4}],
        folds=[{"metric": "exact", "runs": folds, "at_least": 0.5}],
        generalisation=[{"metric": "exact", "seen": "seen", "at_most": 0.1}],
    )
    assert sluice(tmp_path, "assess", "evaluation.yaml", "--seal").returncode == 0
    for number, name in enumerate(folds):
        assert sluice(tmp_path, "run", f"{name}.yaml", *asked_of(50 + number, f"runs/{name}")).returncode == 0
    for name, suite, known in (("holdout", "suite", 40), ("seen", "seen", 60)):
        assert sluice(tmp_path, "run", f"{suite}.yaml", *asked_of(known, f"runs/{name}")).returncode == 0
    status, found = assessed(tmp_path)
    (crossed,) = found["folds"]
    assert crossed["values"] == pytest.approx([50 / 60, 51 / 60])
    assert crossed["state"] == "met"
    assert status == 1
    returns = {one["name"]: one["phases"] for one in found["recommendation"]["returns"]}
    assert returns == {
        "exact: seen less holdout": ["data_preparation", "modeling"],
        "one candidate": ["evaluation"],
    }
    assert found["recommendation"]["phase"] == "data_preparation"


def asked_of(known: int, out: str) -> list[str]:
    """A target that knows so many of sixty sums; in a run with answers of its own."""
    rules = [{"when": rf"^What is {n} \+", "say": str(2 * n)} for n in range(known)]
    return ["--target", json.dumps({"kind": "scripted", "rules": rules}), "--out", out, "--answers", f"{out}.db"]
