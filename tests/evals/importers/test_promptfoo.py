"""promptfoo configurations become suites; what could not be carried over is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import BadInput
from evals.importers.promptfoo import convert
from evals.importers.promptfoo_assertions import of_cell
from evals.importers.promptfoo_yaml import filled, loaded
from evals.runs.log import read_results
from evals.suite import read
from evals.targets.scripted import ScriptedSpec
from tests.evals.making import run_once

EXPORTS = Path(__file__).parent / "exports" / "promptfoo"

CONFIG = """
description: Capitals
providers: [openai:gpt-5-mini]
prompts: ["What is the capital of {{country}}?", "Capital of {{country}}"]
defaultTest:
  assert:
    - {type: not-icontains, value: as an AI}
    - {type: latency, threshold: 2000}
tests:
  - vars: {country: France, capital: Paris}
    assert:
      - {type: icontains, value: "{{capital}}"}
      - {type: llm-rubric, value: is polite}
  - vars: {country: [Italy, Rome]}
    assert:
      - {type: contains-any, value: [Rome, Roma], weight: 2}
      - {type: regex, value: "R.m"}
  - file://more.csv
"""


def test_tests_become_samples_and_assertions_scorers(tmp_path: Path) -> None:
    (tmp_path / "capitals.yaml").write_text(CONFIG)
    (tmp_path / "more.csv").write_text("country,__expected\nJapan,Tokyo\n")
    made = convert(tmp_path / "capitals.yaml")
    made.write(tmp_path / "out")
    suite = read(tmp_path / "out" / "suite.yaml")
    samples = {sample.id: sample for sample in suite.dataset.samples}
    assert samples["tests[0]"].question == "What is the capital of France?"
    assert samples["tests[0]"].expected == {"icontains": ["Paris"]}
    assert samples["tests[1].0"].cluster == samples["tests[1].1"].cluster == "tests[1]"
    assert samples["tests[2][0]"].expected == {"equals": ["Tokyo"]}
    metrics = {scorer.metric for scorer in suite.scorers}
    assert metrics == {"icontains", "contains-any", "equals", "not-icontains", "latency"}


def test_what_is_left_out_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "capitals.yaml").write_text(CONFIG)
    told = {note.where: note.said for note in convert(tmp_path / "capitals.yaml").notes}
    assert "--target" in told["providers"]
    assert "one prompt" in told["prompts[1]"]
    assert "a model grades it" in told["tests[0].assert[1]"]
    assert "not every test has it" in told["tests[1].assert[1]"]
    assert told["tests[1].assert[0].weight"] == "a scorer has no such option"
    assert told["defaultTest.assert[1].threshold"] == "a gate asks for it"
    assert "more.csv is no file" in told["tests[2]"]


@pytest.mark.parametrize(
    ("cell", "one"),
    [
        ("Paris", {"type": "equals", "value": "Paris"}),
        ("note: take care", {"type": "equals", "value": "note: take care"}),
        ("contains: Paris", {"type": "contains", "value": "Paris"}),
        ("similar(0.8): Paris", {"type": "similar", "value": "Paris", "threshold": 0.8}),
        ("is-json", {"type": "is-json"}),
    ],
)
def test_cells_of_csv_are_assertions(cell: str, one: dict[str, object]) -> None:
    assert of_cell(cell) == one


def test_without_tests_it_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "none.yaml").write_text("prompts: [hello]\n")
    with pytest.raises(BadInput, match="no tests"):
        convert(tmp_path / "none.yaml")


def test_an_echo_is_scored_as_promptfoo_scored_it(tmp_path: Path) -> None:
    """`results.json` is what promptfoo 0.123.1 said of its provider `echo`: the prompts it made, and what passed."""
    convert(EXPORTS / "promptfooconfig.yaml").write(tmp_path / "out")
    suite = read(tmp_path / "out" / "suite.yaml")
    assert suite.repeats == 2
    told = {one["output"]: one["passed"] for one in json.loads((EXPORTS / "results.json").read_text())}
    questions = {sample.id: sample.question for sample in suite.dataset.samples}
    assert set(questions.values()) == set(told)
    run_once(suite, tmp_path, ScriptedSpec())
    compared = 0
    for result in read_results(tmp_path / "run"):
        passed = told[questions[result.sample]]
        scores = {name: score.value for name, score in result.scores.items() if name not in ("latency", "rouge-n")}
        compared += sum(value is not None for value in scores.values())
        assert {name: value for name, value in scores.items() if value is not None} == {
            name: float(passed[name]) for name, value in scores.items() if value is not None
        }
    assert compared == 2 * 14


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Yes", "Yes"),
        ("true", True),
        ("12:30", "12:30"),
        ("2024-01-02", "2024-01-02"),
        ("~", None),
        ("0x1f", 31),
        ("-1.5", -1.5),
    ],
)
def test_scalars_are_what_yaml_1_2_says(text: str, value: object) -> None:
    assert loaded(f"a: {text}") == {"a": value}


def test_values_are_written_as_javascript_does() -> None:
    values = {"a": True, "b": None, "c": 2.0, "d": ["x", 1]}
    assert filled("{{ a }}|{{ b }}|{{ c }}|{{ d }}|{{ e }}", values) == "true||2|x,1|"


@pytest.mark.parametrize("path", ["#/nothing", "#/assertionTemplates/b"])
def test_a_reference_to_nothing_or_to_itself_is_bad_input(tmp_path: Path, path: str) -> None:
    held = {"assertionTemplates": {"b": {"$ref": "#/assertionTemplates/b"}}, "tests": [{"assert": [{"$ref": path}]}]}
    (tmp_path / "one.yaml").write_text(json.dumps(held))
    with pytest.raises(BadInput, match=r"\$ref"):
        convert(tmp_path / "one.yaml")
