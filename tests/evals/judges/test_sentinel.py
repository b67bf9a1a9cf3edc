"""A judge that changes behind its name is found out, and proves nothing until it is calibrated anew."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from evals.judges.judge import Judge
from evals.judges.labels import Held, Labelled
from evals.judges.sentinel import compared
from evals.runs.log import read_results
from tests.evals.cli.test_run import gate, sluice
from tests.evals.making import suite_of

ROWS = [{"id": f"q{n}", "input": f"Question {n}?"} for n in range(60)]
MODEL = """
from pathlib import Path
from evals.errors import TargetFailed

def judge(sample):
    mood = Path("mood").read_text()
    with open("asked", "a") as asked:
        asked.write("x")
    if mood == "away":
        raise TargetFailed("away")
    if mood == "mute":
        return "hm"
    right = "good" in sample.question and mood != "harsh"
    return '{"reason": "so", "verdict": "%s", "grade": %d}' % ("yes" if right else "no", 5 if right else 1)
"""
ALPHA = 0.01


def watched(folder: Path, mood: str = "fair", **keys: Any) -> None:
    (folder / "model.py").write_text(MODEL)
    feels(folder, mood)
    target = {"kind": "python", "call": "model:judge"}
    judge = {"target": target, "rubric": "Is it good?", "calibration": "labels.jsonl", **keys}
    answers = {"kind": "scripted", "rules": [{"say": "good"}]}
    suite_of(folder, ROWS, judges={"j": judge}, scorers=[{"kind": "judge", "judge": "j"}], target=answers)
    rows = []
    for n in range(80):
        good = n % 2 > 0
        word = {"grade": 5 if good else 1} if "scale" in keys else {"right": good}
        rows.append({"input": f"Q{n}?", "output": f"{'good' if good else 'bad'} {n}", **word})
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))


def feels(folder: Path, mood: str) -> None:
    (folder / "mood").write_text(mood)


def asks(folder: Path) -> int:
    return len((folder / "asked").read_text())


def again(folder: Path, *more: str) -> tuple[int, str]:
    done = sluice(folder, "judge", "suite.yaml", "j", "--again", *more)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("keys", [{}, {"scale": {"low": 1, "high": 5}}], ids=["yes-no", "grades"])
def test_a_judge_that_moved_proves_nothing_until_it_is_calibrated_anew(tmp_path: Path, keys: dict[str, Any]) -> None:
    watched(tmp_path, **keys)
    gate(tmp_path, metric="judge", at_least=0.5)
    gated = ["run", "suite.yaml", "--gate-file", "gate.yaml"]
    assert sluice(tmp_path, "judge", "suite.yaml", "j").returncode == 0
    assert again(tmp_path)[0] == 0
    assert sluice(tmp_path, *gated).returncode == 0
    feels(tmp_path, "harsh")
    code, said = again(tmp_path)
    assert (code, "It has moved" in said) == (1, True), said
    done = sluice(tmp_path, *gated)
    assert (done.returncode, "its judge has moved" in done.stdout) == (4, True)
    before = asks(tmp_path)
    assert again(tmp_path)[0] == 1  # and is not asked to say so again
    assert asks(tmp_path) == before
    sluice(tmp_path, "judge", "suite.yaml", "j")
    assert asks(tmp_path) == before + 80
    done = sluice(tmp_path, *gated, "--out", "new")
    assert (done.returncode, "moved" in done.stdout) == (4, False)
    assert {one.scores["judge"].value for one in read_results(tmp_path / "new" / "candidate")} == {0.0}
    assert again(tmp_path)[0] == 0


def test_it_is_asked_whatever_was_kept_and_tells_machines(tmp_path: Path) -> None:
    watched(tmp_path)
    sluice(tmp_path, "judge", "suite.yaml", "j")
    assert asks(tmp_path) == 80
    code, said = again(tmp_path, "--json")
    found = json.loads(said)
    assert (code, asks(tmp_path), found["moved"], found["p"]) == (0, 160, False, 1.0)
    whats = [(shift["what"], shift["n"]) for shift in found["shifts"]]
    assert whats == [("right answers called right", 40), ("wrong answers called wrong", 40), ("could be read", 80)]
    assert "It is steady" in again(tmp_path)[1]


def test_one_that_cannot_be_read_any_more_has_moved(tmp_path: Path) -> None:
    watched(tmp_path)
    sluice(tmp_path, "judge", "suite.yaml", "j")
    feels(tmp_path, "mute")
    code, said = again(tmp_path)
    assert (code, "1.000 then, 0.000 now, of 80" in said) == (1, True)


def test_where_it_gives_no_answer_nothing_is_said(tmp_path: Path) -> None:
    watched(tmp_path)
    sluice(tmp_path, "judge", "suite.yaml", "j")
    feels(tmp_path, "away")
    code, said = again(tmp_path)
    assert (code, "80 of 80 answers were not judged" in said) == (5, True)
    (card,) = tmp_path.glob("labels.jsonl.*.card.json")
    assert "moved" not in json.loads(card.read_text())


def test_without_a_card_of_this_judge_there_is_nothing_to_hold_it_against(tmp_path: Path) -> None:
    watched(tmp_path)
    code, said = again(tmp_path)
    assert (code, "was not calibrated as it is now" in said) == (2, True)
    sluice(tmp_path, "judge", "suite.yaml", "j")
    watched(tmp_path, rubric="Is it kind?")
    assert again(tmp_path)[0] == 2


def held(count: int) -> list[Held]:
    return [Held(Labelled(f"Q{n}", "A"), float(n % 2)) for n in range(count)]


def test_a_judge_that_errs_by_lot_is_seldom_said_to_have_moved() -> None:
    lot, judge, labels = random.Random(7), Judge(target={"kind": "scripted"}, rubric="x"), held(200)
    alarms = 0
    for _ in range(400):
        said = [tuple(abs(one.value - (lot.random() < 0.2)) for _ in range(2)) for one in labels]
        alarms += compared(judge, labels, [(then, now) for then, now in said], 0.05).moved
    assert alarms <= 400 * 0.05


@pytest.mark.parametrize(("turned", "moved"), [(9, False), (10, True)])
def test_ten_that_turn_one_way_are_enough(turned: int, moved: bool) -> None:
    labels = held(80)
    said = [(one.value, 0.0 if at < 2 * turned else one.value) for at, one in enumerate(labels)]
    found = compared(Judge(target={"kind": "scripted"}, rubric="x"), labels, said, ALPHA)
    assert found.moved is moved


def test_grades_that_drift_from_people_s_both_ways_are_seen() -> None:
    """Their mean is the same."""
    labels = [Held(one.answer, 0.5) for one in held(80)]
    said = [(0.5, at % 2 * 1.0) for at in range(80)]
    judge = Judge(target={"kind": "scripted"}, rubric="x", scale={"low": 0, "high": 2})
    found = compared(judge, labels, said, ALPHA)
    assert [shift.p < ALPHA for shift in found.shifts] == [False, True, False]
    assert found.moved


def test_what_failed_or_was_not_read_is_no_pair() -> None:
    labels = held(6)
    said = [("failed", 0.0), (0.0, "failed"), ("unread", 1.0), (0.0, "unread"), (1.0, 1.0), (0.0, 0.0)]
    shifts = compared(Judge(target={"kind": "scripted"}, rubric="x"), labels, said, ALPHA).shifts  # type: ignore[arg-type]
    assert [shift.n for shift in shifts] == [1, 1, 4]
