"""What was measured elsewhere is read with its source, or refused by its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.errors import BadInput
from evals.evaluation.measurements import Measurements, read

STATED = {"source": "a survey", "date": "2026-11-20", "value": 4.3}


def written(folder: Path, **measurements: Any) -> Measurements:
    path = folder / "measurements.yaml"
    path.write_text(yaml.safe_dump({"measurements": measurements}, sort_keys=False))
    return read(path)


def test_a_date_is_written_as_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("measurements:\n  stars: {source: a survey, date: 2026-11-20, value: 4.3, low: 4.1, high: 4.5}\n")
    assert read(path).found["stars"].date.isoformat() == "2026-11-20"


def test_a_column_of_a_file_is_its_values_with_their_clusters(tmp_path: Path) -> None:
    (tmp_path / "survey.csv").write_text("customer,stars\na,5\na,4\nb,3.5\n")
    asked = {"source": "a survey", "date": "2026-11-20", "file": "survey.csv", "column": "stars"}
    found = written(tmp_path, stars={**asked, "cluster": "customer"}, alone=asked)
    assert (found.rows["stars"].values, found.rows["stars"].clusters) == ((5, 4, 3.5), ("a", "a", "b"))
    assert len(set(found.rows["alone"].clusters)) == 3


def test_the_digest_is_of_the_rows_too(tmp_path: Path) -> None:
    asked = {"source": "a survey", "date": "2026-11-20", "file": "survey.csv", "column": "stars"}
    (tmp_path / "survey.csv").write_text("stars\n5\n4\n")
    first = written(tmp_path, stars=asked).digest
    assert written(tmp_path, stars=asked).digest == first
    (tmp_path / "survey.csv").write_text("stars\n5\n5\n")
    assert written(tmp_path, stars=asked).digest != first


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": None}, "give a value, or a file with a column"),
        ({"file": "a.csv", "column": "stars"}, "give a value, or a file with a column"),
        ({"low": 4}, "low and high go with a value"),
        ({"low": 4.4, "high": 4.5}, "the value lies between"),
        ({"date": "last week"}, "date"),
        ({"source": ""}, "it has to say something"),
        ({"value": None, "file": "a.csv"}, "a file takes a column"),
        ({"value": None, "file": "none.csv", "column": "stars"}, "cannot be read"),
        ({"value": None, "file": "a.csv", "column": "moons"}, "there is no column 'moons'"),
        ({"value": None, "file": "a.csv", "column": "words"}, "the cell of 'words' is no number"),
        ({"value": None, "file": "a.csv", "column": "odd"}, "a size that can be counted with"),
        ({"value": None, "file": "one.csv", "column": "stars"}, "an interval takes two at least"),
    ],
)
def test_what_is_wrong_is_told_by_its_place(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    (tmp_path / "a.csv").write_text("stars,words,odd\n5,good,nan\n4,bad,1\n")
    (tmp_path / "one.csv").write_text("stars\n5\n")
    asked = {name: value for name, value in {**STATED, **change}.items() if value is not None}
    with pytest.raises(BadInput) as caught:
        written(tmp_path, stars=asked)
    assert said in str(caught.value)
    assert caught.value.place.startswith("measurements.stars")
    assert caught.value.line is not None
