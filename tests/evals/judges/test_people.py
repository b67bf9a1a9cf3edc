"""What people would say of a run, from what they say of a part of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.judges.people import drawn, estimate
from tests.evals.cli.test_run import sluice
from tests.evals.making import suite_of

GRADES = [{"when": rf"Question \d*{n}\?", "say": f'{{"reason": "so", "grade": {n}}}'} for n in range(10)]
ROWS = [{"id": f"q{n}", "input": f"Question {n}?"} for n in range(200)]
CLUSTERED = [{**row, "cluster": f"c{n // 2}"} for n, row in enumerate(ROWS)]


def ran(folder: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    """A judge that grades from 0 to 9 by the last digit of the question."""
    judge = {"target": {"kind": "scripted", "rules": GRADES}, "rubric": "?", "scale": {"low": 0, "high": 9}}
    scorers = [{"kind": "judge", "judge": "digits"}, "latency"]
    suite_of(folder, rows, judges={"digits": judge}, scorers=scorers, target={"kind": "scripted"})
    done = sluice(folder, "run", "suite.yaml", "--out", "one")
    assert done.returncode == 0, done.stderr
    return folder / "one" / "candidate"


def filled(folder: Path, lines: str, harsh: float = 0.5) -> Path:
    """People's values: `harsh` times the judge's."""
    rows = [json.loads(line) for line in lines.splitlines()]
    for row in rows:
        assert row["value"] is None
        row["value"] = harsh * int(row["input"][-2]) / 9
    path = folder / "some.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_a_judge_that_is_too_kind_is_corrected_by_some_answers(tmp_path: Path) -> None:
    run = ran(tmp_path)
    some = sluice(tmp_path, "people", str(run), "judge", "--draw", "60").stdout
    filled(tmp_path, some)
    told = json.loads(sluice(tmp_path, "people", str(run), "judge", "--labels", "some.jsonl", "--json").stdout)
    assert (told["judge"]["value"], told["judge"]["n"], told["people"]["n"]) == (pytest.approx(0.5), 200, 60)
    together, people = told["together"], told["people"]
    assert together["low"] <= 0.25 <= together["high"]
    assert together["high"] - together["low"] < 0.9 * (people["high"] - people["low"])
    assert told["worth"] > 60
    said = sluice(tmp_path, "people", str(run), "judge", "--labels", "some.jsonl").stdout
    assert "judge     0.500 [" in said
    assert "of the run, as people would have it; as good as" in said


def test_what_is_drawn_is_the_same_every_time_and_whole_clusters(tmp_path: Path) -> None:
    run = ran(tmp_path, CLUSTERED)
    one, other = list(drawn(run, "judge", 75)), list(drawn(run, "judge", 75, seed=1))
    assert one == list(drawn(run, "judge", 75))
    assert one != other
    assert len(one) == 76
    numbers = {int(answer.sample[1:]) for answer in one}
    assert {number ^ 1 for number in numbers} == numbers
    assert one[0].output == one[0].input


def test_what_people_have_to_have_judged(tmp_path: Path) -> None:
    run = ran(tmp_path, CLUSTERED)
    lines = [
        json.loads(line) for line in sluice(tmp_path, "people", str(run), "judge", "--draw", "80").stdout.splitlines()
    ]
    path = tmp_path / "some.jsonl"

    def write(rows: list[dict[str, Any]]) -> Path:
        path.write_text("\n".join(map(json.dumps, rows)))
        return path

    whole = [{**line, "value": n % 4 > 0} for n, line in enumerate(lines)]
    assert estimate(run, "judge", write(whole)).people.n == 80
    for rows, said in (
        (whole[:1] + lines[1:], "some answers have a value and some have not"),
        (lines, "answers of 0 samples or clusters: it takes 30"),
        ([*whole, whole[0]], r"some\.jsonl:81: .* is there twice"),
        ([{**whole[0], "value": 3}], r"some\.jsonl:1: value is 3"),
        ([{**whole[0], "sample": "z"}], r"some\.jsonl:1: the sample 'z' has no score"),
        ([{"sample": "z"}], r"some\.jsonl:1: no judged answer"),
    ):
        with pytest.raises(BadInput, match=said):
            estimate(run, "judge", write(rows))
    with pytest.raises(BadInput, match="no metric 'taste'; it has judge, latency"):
        estimate(run, "taste", path)


def test_all_of_a_run_needs_no_judge(tmp_path: Path) -> None:
    run = ran(tmp_path)
    some = filled(tmp_path, sluice(tmp_path, "people", str(run), "judge", "--draw", "200").stdout)
    with pytest.raises(BadInput, match="every answer"):
        estimate(run, "judge", some)
    assert sluice(tmp_path, "people", str(run), "judge").returncode == 2
