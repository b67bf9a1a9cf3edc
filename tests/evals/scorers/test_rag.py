"""Answers on documents, as judges see them: whether the documents support them, and whether they are to the point."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.judges.judge import Judge
from evals.judges.labels import labels
from evals.runs.log import read_header, read_results
from tests.evals.cli.test_run import gate, sluice
from tests.evals.judges.test_judge import NO, YES
from tests.evals.making import suite_of

LISTED = json.dumps({"claims": ["Ada wrote it.", "It was in 1843."]})
HALF = json.dumps({"claims": [{"claim": 1, "supported": "yes"}, {"claim": 2, "supported": "no"}]})
READER = {
    "kind": "scripted",
    "cost": 5,
    "rules": [{"when": r"<claim 1 ", "say": HALF}, {"when": r"<answer \w+>", "say": LISTED}],
}
POINTED = {"kind": "scripted", "cost": 5, "rules": [{"when": "Ada", "say": YES}, {"say": NO}]}
ROWS = [{"id": f"q{n}", "input": f"Who wrote {n}?", "documents": ["Ada wrote it."], "expected": "x"} for n in range(60)]


def rag(folder: Path, says: str = "Ada, in 1843.") -> Judge:
    judges = {
        "reader": {"target": READER, "asks": "claims", "calibration": "claims.jsonl"},
        "point": {"target": POINTED, "asks": "relevance", "calibration": "point.jsonl"},
    }
    scorers = [{"kind": "faithfulness", "judge": "reader"}, {"kind": "answer_relevance", "judge": "point"}]
    target = {"kind": "scripted", "rules": [{"say": says}]}
    return suite_of(folder, ROWS, judges=judges, scorers=scorers, target=target).judges["reader"]


def test_both_are_scored_and_paid_for(tmp_path: Path) -> None:
    rag(tmp_path)
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    results = list(read_results(tmp_path / "one" / "candidate"))
    assert {one.scores["faithfulness"].value for one in results} == {0.5}
    assert {one.scores["answer_relevance"].value for one in results} == {1.0}
    assert read_header(tmp_path / "one" / "candidate").cost == 60 * 15


def test_relevance_is_judged_by_question_and_answer_alone(tmp_path: Path) -> None:
    rag(tmp_path, says="I do not know.")  # Ada is in the documents, which this judge is not shown
    assert sluice(tmp_path, "run", "suite.yaml", "--out", "one").returncode == 0
    results = read_results(tmp_path / "one" / "candidate")
    assert {one.scores["answer_relevance"].value for one in results} == {0.0}


def test_both_prove_something_when_calibrated(tmp_path: Path) -> None:
    rag(tmp_path)
    held = {"input": "Who?", "output": "Ada, in 1843.", "documents": ["Ada wrote it."]}
    (tmp_path / "claims.jsonl").write_text("\n".join(json.dumps({**held, "grade": 0.5}) for _ in range(60)))
    told = json.loads(sluice(tmp_path, "judge", "suite.yaml", "reader", "--json").stdout)
    assert (told["grading"]["n"], told["grading"]["bias"]["value"]) == (60, 0.0)
    rows = [{"input": "Who?", "output": "Ada" if n % 2 else "Hm", "right": bool(n % 2)} for n in range(60)]
    (tmp_path / "point.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert "It can prove something." in sluice(tmp_path, "judge", "suite.yaml", "point").stdout
    gate(tmp_path, metric="answer_relevance", at_least=0.6)
    done = sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml")
    assert done.returncode == 0, done.stdout
    gate(tmp_path, metric="faithfulness", at_least=0.2)
    done = sluice(tmp_path, "run", "suite.yaml", "--gate-file", "gate.yaml")
    assert (done.returncode, "cannot be told" in done.stdout) == (4, True)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"right": True}, 'write "grade": the share'),
        ({"grade": 2}, 'write "grade": the share'),
        ({"grade": 1}, 'write "documents"'),
    ],
)
def test_labels_of_claims(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    judge = rag(tmp_path)
    (tmp_path / "claims.jsonl").write_text(json.dumps({"input": "a", "output": "b", **row}))
    with pytest.raises(BadInput, match=said):
        labels(tmp_path / "claims.jsonl", judge)


def test_what_they_ask_for_is_part_of_judges_and_has_to_fit(tmp_path: Path) -> None:
    made = [Judge(target=READER, rubric="x", asks=asks) for asks in ("verdict", "pair", "claims", "relevance")]
    assert len({judge.digest for judge in made}) == 4
    with pytest.raises(ValueError, match="write a rubric"):
        Judge(target=READER)
    judges = {"point": {"target": POINTED, "asks": "relevance"}}
    with pytest.raises(BadInput, match="write `asks: claims` in 'point'"):
        suite_of(tmp_path, ROWS, judges=judges, scorers=[{"kind": "faithfulness", "judge": "point"}])
