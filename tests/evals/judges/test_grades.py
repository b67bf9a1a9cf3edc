"""A judge that gives grades: what they come to, and what they prove."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.judges.card import known
from evals.judges.judge import Judge
from evals.judges.labels import labels
from evals.runs.evidence import of_logs
from evals.runs.log import read_results
from evals.suite import read as read_suite
from tests.evals.cli.test_run import gate, sluice
from tests.evals.making import suite_of

ROWS = [{"id": f"q{n}", "input": f"Question {n}?"} for n in range(60)]
GRADING = [{"when": f"answer of {n} stars", "say": f'{{"reason": "seen", "grade": {n}}}'} for n in range(1, 6)]
"""A judge that knows a grade by its words."""


def graded(folder: Path, rules: list[dict[str, str]] = GRADING, says: str = "answer of 4 stars", **keys: Any) -> Judge:
    judge = {
        "target": {"kind": "scripted", "cost": 5, "rules": rules},
        "rubric": "How good is it?",
        "scale": {"low": 1, "high": 5},
        "calibration": "labels.jsonl",
        **keys,
    }
    target = {"kind": "scripted", "rules": [{"say": says}]}
    scorers = [{"kind": "judge", "judge": "stars"}]
    return suite_of(folder, ROWS, judges={"stars": judge}, scorers=scorers, target=target).judges["stars"]


def people(folder: Path, count: int, off: int = 0) -> None:
    """Their grades are the judge's, but for every fifth answer, which is graded `off` less."""
    rows = []
    for n in range(count):
        stars = n % 5 + 1
        grade = max(1, stars - (off if n % 5 == 4 else 0))
        rows.append({"input": f"Q{n}?", "output": f"an answer of {stars} stars", "grade": grade})
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(row) for row in rows))


def test_a_grade_is_a_score_from_0_to_1_with_its_reason(tmp_path: Path) -> None:
    graded(tmp_path)
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    scores = [result.scores["judge"] for result in read_results(tmp_path / "one" / "candidate")]
    assert {(score.value, score.reason) for score in scores} == {(0.75, "4: seen")}


def test_one_that_agrees_with_people_proves_something_and_is_not_corrected(tmp_path: Path) -> None:
    graded(tmp_path)
    people(tmp_path, 100)
    told = sluice(tmp_path, "judge", "suite.yaml", "stars")
    assert "agreement    1.000 [1.000, 1.000] with people's grades of 100 answers" in told.stdout
    assert "It can prove something." in told.stdout
    gate(tmp_path, metric="judge", at_least=0.65)
    done = sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml", "--out", "one")
    assert done.returncode == 0, done.stdout
    assert "not corrected for the judge's errors: the judge gives grades" in done.stdout
    page = sluice(tmp_path, "report", "one", "--format", "html").stdout
    assert "<dt>Krippendorff&#39;s alpha</dt><dd>1.000 [1.000, 1.000]</dd>" in page
    assert "<dd>100 grades</dd>" in page
    (facts,) = of_logs(tmp_path / "one" / "candidate").judges
    assert (facts.counts, facts.grading and (facts.grading.n, facts.grading.alpha)) == (None, (100, 1.0))


def test_one_that_does_not_agree_advises(tmp_path: Path) -> None:
    graded(tmp_path)
    people(tmp_path, 100, off=4)
    told = sluice(tmp_path, "judge", "suite.yaml", "stars")
    assert "It advises" in told.stdout
    assert "bias         0.200 [0.120, 0.280] of the scale" in told.stdout
    gate(tmp_path, metric="judge", at_least=0.5)
    done = sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml")
    assert (done.returncode, "agrees with people's grades by 0." in done.stdout) == (4, True)


@pytest.mark.parametrize(("count", "said"), [(None, "not calibrated"), (59, "calibrated on 59 grades")])
def test_without_enough_grades_of_people_it_proves_nothing(tmp_path: Path, count: int | None, said: str) -> None:
    graded(tmp_path)
    if count is not None:
        people(tmp_path, count)
        assert "it takes 60 grades" in sluice(tmp_path, "judge", "suite.yaml", "stars").stdout
    gate(tmp_path, metric="judge", at_least=0.5)
    done = sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml")
    assert (done.returncode, said in done.stdout) == (4, True)


def test_where_all_have_one_grade_nothing_can_be_told(tmp_path: Path) -> None:
    graded(tmp_path)
    row = {"input": "Q?", "output": "an answer of 5 stars", "grade": 5}
    (tmp_path / "labels.jsonl").write_text("\n".join([json.dumps(row)] * 60))
    told = json.loads(sluice(tmp_path, "judge", "suite.yaml", "stars", "--json").stdout)
    assert told["grading"]["alpha"] == {"value": None, "low": -1.0, "high": 1.0}
    gate(tmp_path, metric="judge", at_least=0.5)
    done = sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml")
    assert (done.returncode, "cannot be told" in done.stdout) == (4, True)


def test_a_scale_is_part_of_the_judge(tmp_path: Path) -> None:
    judge = graded(tmp_path)
    people(tmp_path, 60)
    assert sluice(tmp_path, "judge", "suite.yaml", "stars").returncode == 0
    assert known(judge, tmp_path) is not None
    other = graded(tmp_path, scale={"low": 0, "high": 5})
    assert other.digest != judge.digest
    assert known(other, tmp_path) is None
    assert len({one.digest for one in (judge, other, graded(tmp_path, scale="yes-no"))}) == 3


def test_labels_have_to_be_grades_on_the_scale(tmp_path: Path) -> None:
    judge = graded(tmp_path)
    path = tmp_path / "labels.jsonl"
    for row, said in (
        ({"right": True}, 'write "grade": a number from 1 to 5'),
        ({"grade": 6}, "6 is not from 1 to 5"),
        ({"grade": "five"}, "no labelled answer"),
    ):
        path.write_text(
            '{"input": "a", "output": "b", "grade": 4.5}\n\n' + json.dumps({"input": "a", "output": "b", **row})
        )
        with pytest.raises(BadInput, match=rf"labels\.jsonl:3: .*{said}"):
            labels(path, judge)
    path.write_text('{"input": "a", "output": "b", "grade": 4.5}\n')
    assert [one.value for one in labels(path, judge)] == [0.875]
    with pytest.raises(BadInput, match='write "right"'):
        labels(path, graded(tmp_path, scale="yes-no"))


def test_a_suite_says_what_is_wrong_with_a_scale(tmp_path: Path) -> None:
    graded(tmp_path)
    suite = (tmp_path / "suite.yaml").read_text().replace("high: 5", "high: 0")
    (tmp_path / "suite.yaml").write_text(suite)
    with pytest.raises(BadInput, match=r"judges\.stars\.scale.*high is above low"):
        read_suite(tmp_path / "suite.yaml")
