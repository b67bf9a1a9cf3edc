"""Answers held against others, as a user has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.runs import runner
from evals.runs.answers import AnswersFile
from evals.runs.budget import Budget
from evals.runs.executors.local import Local
from evals.runs.log import read_header, read_results
from evals.suite import Suite, read
from evals.targets.base import TargetSpec
from tests.evals.cli.test_run import gate, sluice
from tests.evals.judges.test_pairs import ALWAYS_FIRST, BY_WORDS
from tests.evals.making import suite_of

ROWS = [{"id": f"q{n}", "input": f"Question {n}?", "expected": "good, too" if n % 2 else "bad"} for n in range(60)]

LIVE = json.dumps({"kind": "scripted", "cost": 3, "rules": [{"when": "5", "say": "good as gold"}, {"say": "poor"}]})


def paired(folder: Path, target: dict[str, Any] = BY_WORDS, reference: str = "other", **keys: Any) -> Suite:
    judge = {"target": target, "rubric": "Which helps more?", "asks": "pair", "calibration": "labels.jsonl"}
    scorers = [{"kind": "pairwise", "judge": "taste", "reference": reference}]
    says = {"kind": "scripted", "cost": 3, "rules": [{"say": "good"}]}
    return suite_of(folder, ROWS, judges={"taste": judge}, scorers=scorers, target=says, **keys)


def values(folder: Path) -> list[float | None]:
    return [result.scores["pairwise"].value for result in read_results(folder)]


def both(suite: Suite, folder: Path) -> tuple[int, list[list[float | None]]]:
    """What was paid, and the scores of both arms."""
    budget, answers = Budget(), AnswersFile(None)
    arms = [runner.Arm("candidate", spec_of(suite), folder / "c"), runner.Arm("baseline", other(suite), folder / "b")]
    runner.run(suite, arms, lambda work: Local(work, answers, budget))
    return budget.spent, [sorted(values(arm.folder), key=str) for arm in arms]


def spec_of(suite: Suite) -> TargetSpec:
    assert suite.target is not None
    return suite.target


def other(suite: Suite) -> TargetSpec:
    return spec_of(suite).model_validate({"kind": "scripted", "cost": 3, "rules": [{"say": "poor"}]})


def test_against_the_other_arm_each_win_is_its_loss_and_nothing_is_paid_twice(tmp_path: Path) -> None:
    spent, (mine, theirs) = both(paired(tmp_path, limits={"concurrency": 16}), tmp_path)
    assert (set(mine), set(theirs)) == ({1.0}, {0.0})
    assert spent == 60 * 2 * 3 + 60 * 2 * 5


def test_a_judge_that_takes_what_stands_first_finds_nothing_and_is_told(tmp_path: Path) -> None:
    paired(tmp_path, ALWAYS_FIRST)
    done = sluice(tmp_path, "run", "suite.yaml", "--against", LIVE, "--out", "one")
    assert done.returncode == 0, done.stderr
    assert set(values(tmp_path / "one" / "candidate")) == {0.5}
    assert "candidate: pairwise disagrees with itself in the other order on 60 of 60 answers" in done.stdout


def test_against_what_is_expected(tmp_path: Path) -> None:
    paired(tmp_path, reference="expected")
    done = sluice(tmp_path, "run", "suite.yaml", "--out", "one")
    assert done.returncode == 0, done.stderr
    found = {result.sample: result.scores["pairwise"].value for result in read_results(tmp_path / "one" / "candidate")}
    assert (found["q0"], found["q1"]) == (1.0, 0.5)  # of two good ones, this judge takes the first
    assert "on 30 of 60 answers" in done.stdout
    assert read_header(tmp_path / "one" / "candidate").cost == 60 * 13


def test_one_arm_alone_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    paired(tmp_path)
    done = sluice(tmp_path, "run", "suite.yaml", "--out", "one")
    assert done.returncode == 2
    assert "pairwise holds an answer against the other arm's" in done.stderr
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ({"asks": "verdict"}, "write `asks: pair` in 'taste'"),
        ({"scale": {"low": 1, "high": 2}}, "has no scale"),
    ],
)
def test_the_judge_has_to_be_one_of_pairs(tmp_path: Path, mistake: dict[str, Any], said: str) -> None:
    paired(tmp_path)
    judge = {"target": BY_WORDS, "rubric": "Which?", "asks": "pair", **mistake}
    with pytest.raises(BadInput, match=said):
        suite_of(tmp_path, ROWS, judges={"taste": judge}, scorers=[{"kind": "pairwise", "judge": "taste"}])


def test_it_is_calibrated_on_what_people_prefer(tmp_path: Path) -> None:
    paired(tmp_path)
    rows = []
    for n in range(90):
        one, other = n % 2 > 0, n % 3 > 0
        better = "tie" if one == other else "output" if one else "other"
        said = {"output": "good" if one else "bad", "other": "good, too" if other else "poor"}
        if not (one and other):  # of two good ones, this judge takes the first
            rows.append({"input": f"Q{n}?", **said, "better": better})
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    gate(tmp_path, metric="pairwise", at_least=0.5)
    asking = ["run", "suite.yaml", "--against", LIVE, "--gate-file", "gate.yaml"]
    before = sluice(tmp_path, *asking)
    assert (before.returncode, "not calibrated" in before.stdout) == (4, True)
    told = sluice(tmp_path, "judge", "suite.yaml", "taste")
    assert "agreement    1.000 [1.000, 1.000] with people's grades of 60 answers" in told.stdout
    assert "steady       1.000 [0.9" in told.stdout
    after = sluice(tmp_path, *asking)
    assert after.returncode == 0, after.stdout
    assert "not corrected for the judge's errors" in after.stdout
    assert read(tmp_path / "suite.yaml").judges["taste"].corrects is False
