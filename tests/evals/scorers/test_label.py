from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.evals.scorers.scoring import score, scorer

SAFETY = {"labels": ["safe", "not safe"]}
YES = {"labels": {"yes": ["ja", "true"], "no": ["nein", "false"]}}


@pytest.mark.parametrize(
    ("said", "options", "answer"),
    [
        ("safe", SAFETY, "safe"),
        ("**Not  safe.**", SAFETY, "not safe"),
        ("I think that this is not safe to do.", SAFETY, "not safe"),
        ("It is safe, or not safe?", SAFETY, None),
        ("It is unsafe", SAFETY, None),
        ("", SAFETY, None),
        ("Not safe? No. Answer: safe", {**SAFETY, "after": "Answer:"}, "safe"),
        ("Ja!", YES, "yes"),
        ("TRUE", YES, "yes"),
        ('{"label": "nein", "p": 0.8}', {**YES, "field": "label"}, "no"),
        ('{"label": false}', {**YES, "field": "label"}, "no"),
        ('```json\n{"label": "ja"}\n```', {**YES, "field": "label"}, "yes"),
        ('{"label": "perhaps"}', {**YES, "field": "label"}, None),
        ("ja", {**YES, "field": "label"}, None),
        ("[]", {**YES, "field": "label"}, None),
    ],
)
def test_which_label_is_read(said: str, options: dict[str, Any], answer: str | None) -> None:
    labels = list(options["labels"])
    for expected in labels:
        found = score("label", said, expected, **options)
        assert found.answer == answer
        assert found.value == (1 if answer == expected else 0)
        assert found.details == {"expected": expected}
        assert found.reason or answer is not None


@pytest.mark.parametrize(
    ("said", "probability"),
    [
        ('{"label": "yes", "p": 0.8}', 0.8),
        ('{"label": "yes", "p": 1}', 1),
        ('{"label": "yes", "p": 80}', None),
        ('{"label": "yes", "p": true}', None),
        ('{"label": "yes", "p": "0.8"}', None),
        ('{"label": "yes"}', None),
    ],
)
def test_the_probability_is_read_beside_it(said: str, probability: float | None) -> None:
    assert score("label", said, "yes", field="label", probability="p", **YES).probability == probability


def test_what_is_expected_has_to_be_a_label() -> None:
    assert score("label", "safe", "harmless", **SAFETY).value is None
    assert score("label", "safe", None, **SAFETY).value is None
    assert score("label", "ja", "JA", **YES).value == 1
    assert score("label", "true", True, **YES).value == 1


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["one"], "at least 2"),
        (["A", "a "], "stands for two labels"),
        ({"a": ["x"], "b": ["X"]}, "stands for two labels"),
    ],
)
def test_labels_are_apart(labels: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        scorer("label", labels=labels)
