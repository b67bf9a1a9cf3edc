"""Graders, parsed and applied."""

from __future__ import annotations

from typing import Any

import pytest

from evals.errors import BadInput, TargetFailed
from evals.graders.grade import Grade, grade, sample_of
from evals.graders.spec import Ungradable, parse

pytestmark = pytest.mark.anyio
SPACE = {"item": {"label": "Paris"}, "sample": sample_of('{"city": "Paris"}')}
CHECK = {"type": "string_check", "name": "c", "input": "{{item.label}}", "operation": "eq", "reference": "Paris"}
LABEL = {
    "type": "label_model",
    "name": "l",
    "model": "m",
    "input": [{"role": "user", "content": [{"type": "input_text", "text": "{{item.label}}?"}]}],
    "labels": ["yes", "no"],
    "passing_labels": ["yes"],
}
SCORE = {
    "type": "score_model",
    "name": "s",
    "model": "m",
    "input": [{"role": "user", "content": "x"}],
    "range": [0, 10],
}


async def graded(given: dict[str, Any], said: str = "", asked: list[Any] | None = None) -> Grade:
    async def ask(name: str, body: dict[str, Any]) -> dict[str, Any]:
        if asked is not None:
            asked.append((name, body))
        return {"model": "m-1", "choices": [{"message": {"content": said}}]}

    return await grade(parse(given), SPACE, ask)


@pytest.mark.parametrize(
    ("operation", "reference", "passed"),
    [("eq", "Paris", True), ("eq", "paris", False), ("ne", "Rome", True), ("like", "ari", True),
     ("like", "ARI", False), ("ilike", "ARI", True)],
)  # fmt: skip
async def test_string_check(operation: str, reference: str, passed: bool) -> None:
    found = await graded({**CHECK, "operation": operation, "reference": reference})
    assert (found.score, found.passed) == (float(passed), passed)


@pytest.mark.parametrize(
    ("said", "passed"), [('{"steps": [], "result": "yes"}', True), ('{"result": "no"}', False), (" yes ", True)]
)
async def test_label_model(said: str, passed: bool) -> None:
    asked: list[Any] = []
    found = await graded(LABEL, said, asked)
    assert found.passed is passed
    ((name, body),) = asked
    assert (name, body["model"], body["messages"]) == ("l", "m", [{"role": "user", "content": "Paris?"}])
    assert body["response_format"]["json_schema"]["schema"]["properties"]["result"]["enum"] == ["yes", "no"]


@pytest.mark.parametrize("said", ["", "perhaps", '{"result": "maybe"}', '{"result": ["yes"]}', "[1]"])
async def test_no_label_is_no_verdict(said: str) -> None:
    with pytest.raises(TargetFailed, match="none of its labels"):
        await graded(LABEL, said)


@pytest.mark.parametrize(
    ("said", "score", "passed"), [('{"result": 7}', 7.0, True), ("3.5", 3.5, False), ('{"result": 99}', 10.0, True)]
)
async def test_score_model(said: str, score: float, passed: bool) -> None:
    found = await graded(SCORE, said)
    assert (found.score, found.passed) == (score, passed)


@pytest.mark.parametrize("said", ["good", '{"result": true}', '{"result": null}', "NaN"])
async def test_no_score_is_no_verdict(said: str) -> None:
    with pytest.raises(TargetFailed, match="no score"):
        await graded(SCORE, said)


async def test_multi() -> None:
    given = {"type": "multi", "name": "both", "graders": {"c": CHECK, "s": SCORE}, "calculate_output": "c / 2 + s / 20"}
    asked: list[Any] = []
    found = await graded(given, "5", asked)
    assert (found.score, found.passed, found.parts) == (0.75, True, {"c": 1.0, "s": 5.0})
    assert [name for name, _ in asked] == ["s.s"]


async def test_a_sample_that_is_json_is_taken_apart() -> None:
    found = await graded({**CHECK, "input": "{{sample.output_json.city}}"})
    assert found.passed
    with pytest.raises(BadInput, match="output_json"):
        await grade(parse({**CHECK, "input": "{{sample.output_json.city}}"}), {"sample": sample_of("text")}, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({**CHECK, "operation": "regex"}, "operation"),
        ({**CHECK, "extra": 1}, "extra"),
        ({**CHECK, "input": "{{item.x | upper}}"}, "input"),
        ({**LABEL, "passing_labels": ["perhaps"]}, ""),
        ({**LABEL, "input": [{"role": "user", "content": {"type": "input_image"}}]}, "input.0.content"),
        ({**SCORE, "range": [1, 1]}, ""),
        ({"type": "text_similarity", "name": "t", "input": "", "reference": "", "evaluation_metric": "cosine"},
         "evaluation_metric"),
        ({"type": "multi", "name": "m", "graders": {"c": CHECK}, "calculate_output": "d"}, ""),
        ({"type": "nothing"}, ""),
        ({"type": "python", "name": "p", "source": "def grade(sample, item): return 1"}, ""),
        ({"type": "multi", "name": "m", "graders": {"p": {"type": "python"}}, "calculate_output": "p"}, ""),
        ("string_check", ""),
    ],
)  # fmt: skip
async def test_what_cannot_be_applied_is_refused(given: Any, place: str) -> None:
    with pytest.raises(Ungradable) as refused:
        parse(given)
    assert refused.value.place == place
