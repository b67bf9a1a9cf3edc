from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from evals.errors import BadInput
from tests.evals.scorers.scoring import score, scored, scorer

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("said", "options", "value"),
    [
        ('{"name": "Ada", "age": 36}', {"schema": PERSON}, 1),
        ('{"age": -1}', {"schema": PERSON}, 0),
        ('Here: {"name": "Ada"}', {"schema": PERSON}, 0),
        ('Here:\n```json\n{"name": "Ada"}\n```\nDone.', {"schema": PERSON}, 0),
        ('Here:\n```json\n{"name": "Ada"}\n```\nDone.', {"schema": PERSON, "fenced": True}, 1),
        ('{"name": "Ada"}', {"schema": PERSON, "fenced": True}, 1),
        ("[1]", {}, 1),
        ("NaN", {}, 0),
        ("", {}, 0),
    ],
)
def test_json_schema(said: str, options: dict[str, Any], value: float) -> None:
    assert score("json_schema", said, **options).value == value


def test_the_reason_names_the_faults_and_their_places() -> None:
    found = score("json_schema", '{"age": "old", "x": 1}', schema=PERSON)
    assert "age: " in found.reason
    assert '"name" is a required property' in found.reason


def test_a_schema_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "person.json").write_text(json.dumps(PERSON))
    placed = scorer("json_schema", tmp_path, schema="person.json")
    assert scored(placed, '{"name": "Ada"}').value == 1
    assert scored(placed, "{}").value == 0
    assert placed.identity["schema"] == PERSON


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "cannot be read"), ("{", "unexpected"), ("[]", "not a JSON object"), ('{"type": 3}', "no JSON")],
)
def test_a_file_that_holds_none(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "bad.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        scorer("json_schema", tmp_path, schema="bad.json")


@pytest.mark.parametrize(
    "bad",
    [{"type": "nope"}, {"$ref": "https://example.invalid/x.json"}, {"$ref": "file:///etc/hostname"}, {"pattern": "("}],
)
def test_what_is_no_schema_and_what_would_be_fetched_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="is no JSON Schema"):
        scorer("json_schema", schema=bad)
