"""Judges, as a user has them: they prove nothing before they were calibrated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evals.judges.card import card_of, known
from evals.judges.judge import Judge
from evals.runs.log import read_header, read_results
from evals.suite import read as read_suite
from tests.evals.cli.test_run import gate, sluice
from tests.evals.making import suite_of

YES, NO = '{"reason": "so it is", "verdict": "yes"}', '{"reason": "not at all", "verdict": "no"}'
GOOD = {"kind": "scripted", "cost": 5, "rules": [{"when": r"right answer", "say": YES}, {"say": NO}]}
"""A judge that knows a right answer by its words."""
ROWS = [{"id": f"q{n}", "input": f"Question {n}?", "expected": "x"} for n in range(60)]


def judged(
    folder: Path, target: dict[str, Any] | None = None, least: float = 0.8, rubric: str = "Is it right?"
) -> None:
    judge = {"target": target or GOOD, "rubric": rubric, "calibration": "labels.jsonl", "least": least}
    answers = {"kind": "scripted", "rules": [{"say": "a right answer"}]}
    suite_of(folder, ROWS, judges={"strict": judge}, scorers=[{"kind": "judge", "judge": "strict"}], target=answers)


def labelled(folder: Path, right: int, wrong: int, mistaken: int = 0) -> None:
    """The judge is right about all of them but the `mistaken`."""
    rows = [{"input": f"r{n}", "output": "a right answer", "right": True} for n in range(right)]
    rows += [{"input": f"w{n}", "output": "nonsense", "right": False} for n in range(wrong)]
    rows += [{"input": f"m{n}", "output": "nonsense", "right": True} for n in range(mistaken)]
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(row) for row in rows))


def test_its_scores_and_its_cost_are_the_run_s(tmp_path: Path) -> None:
    judged(tmp_path)
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    header = read_header(tmp_path / "one" / "candidate")
    assert header.cost == 60 * 5
    assert all(result.scores["judge"].value == 1.0 for result in read_results(tmp_path / "one" / "candidate"))
    assert header.judges["strict"].calibration is None


def test_before_it_was_calibrated_it_proves_nothing(tmp_path: Path) -> None:
    judged(tmp_path)
    gate(tmp_path, metric="judge", at_least=0.5)
    asking = ["run", "suite.yaml", "--gate-file", "gate.yaml"]
    done = sluice(tmp_path, *asking)
    assert (done.returncode, "not calibrated" in done.stdout) == (4, True)
    labelled(tmp_path, right=40, wrong=40)
    told = sluice(tmp_path, "judge", "suite.yaml", "strict")
    assert "It can prove something." in told.stdout
    assert "sensitivity  1.000 [0.912, 1.000] of 40 right" in told.stdout
    done = sluice(tmp_path, *asking)
    assert done.returncode == 0, done.stdout


def test_one_that_is_not_good_enough_advises(tmp_path: Path) -> None:
    judged(tmp_path)
    gate(tmp_path, metric="judge", at_least=0.5)
    labelled(tmp_path, right=30, wrong=40, mistaken=10)
    assert "It advises" in sluice(tmp_path, "judge", "suite.yaml", "strict").stdout
    done = sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml")
    assert (done.returncode, "knows 75% of right and 100% of wrong answers" in done.stdout) == (4, True)


def test_a_card_is_of_one_judge_and_one_set_of_labels(tmp_path: Path) -> None:
    judged(tmp_path)
    labelled(tmp_path, right=40, wrong=40)
    told = json.loads(sluice(tmp_path, "judge", "suite.yaml", "strict", "--json").stdout)
    judge = read_suite(tmp_path / "suite.yaml").judges["strict"]
    assert told["judge"] == judge.digest
    assert told.pop("said") == [1.0] * 40 + [0.0] * 40
    assert known(judge, tmp_path) == told
    assert known(Judge(target=GOOD, rubric="Is it wrong?", calibration="labels.jsonl"), tmp_path) is None
    labelled(tmp_path, right=41, wrong=40)
    assert known(judge, tmp_path) is None


def test_what_cannot_be_read_or_never_came_is_in_no_count(tmp_path: Path) -> None:
    judged(
        tmp_path,
        target={"kind": "scripted", "rules": [{"when": "right answer|cannot be read", "say": "hm"}, {"say": NO}]},
    )
    labelled(tmp_path, right=3, wrong=2)
    told = json.loads(sluice(tmp_path, "judge", "suite.yaml", "strict", "--json").stdout)
    assert (told["unread"], told["failed"], told["counts"]["true_wrong"]) == (3, 0, 2)
    assert told["sensitivity"]["value"] is None


def test_mistakes_are_told_with_their_place(tmp_path: Path) -> None:
    judged(tmp_path)
    (tmp_path / "labels.jsonl").write_text('{"input": "a", "output": "b", "right": true}\n{"input": "a"}\n')
    assert "labels.jsonl:2" in sluice(tmp_path, "judge", "suite.yaml", "strict").stderr
    assert "no judge 'mild'" in sluice(tmp_path, "judge", "suite.yaml", "mild").stderr
    digest = read_suite(tmp_path / "suite.yaml").judges["strict"].digest
    (tmp_path / "labels.jsonl").write_text('{"input": "a", "output": "b", "right": true}')
    card_of(tmp_path / "labels.jsonl", digest).write_text("{")
    assert sluice(tmp_path, "run", "suite.yaml").returncode == 2


def test_judges_share_labels_and_have_cards_of_their_own(tmp_path: Path) -> None:
    judged(tmp_path)
    labelled(tmp_path, right=40, wrong=40)
    for rubric in ("Is it right?", "Is it just right?"):
        judged(tmp_path, rubric=rubric)
        assert sluice(tmp_path, "judge", "suite.yaml", "strict").returncode == 0
    for rubric in ("Is it right?", "Is it just right?"):
        judged(tmp_path, rubric=rubric)
        card = known(read_suite(tmp_path / "suite.yaml").judges["strict"], tmp_path)
        assert card is not None
        assert card["counts"]["true_right"] == 40
