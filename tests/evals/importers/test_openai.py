"""OpenAI evals become suites; what could not be carried over is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import BadInput
from evals.importers.openai import convert
from evals.suite import read

EVAL = {
    "object": "eval",
    "id": "eval_1",
    "name": "Ticket routing",
    "testing_criteria": [
        {
            "type": "string_check",
            "name": "Right team",
            "input": "{{ sample.output_text }}",
            "operation": "eq",
            "reference": "{{ item.team }}",
        },
        {"type": "label_model", "name": "Polite", "model": "o3", "labels": ["yes", "no"], "input": []},
    ],
}
RUN = {
    "object": "eval.run",
    "id": "run_1",
    "data_source": {
        "type": "completions",
        "source": {"type": "file_content", "content": [{"item": {"text": "No Wi-Fi", "team": "network"}}]},
        "input_messages": {
            "type": "template",
            "template": [
                {"role": "developer", "content": "Name the team."},
                {"role": "user", "content": {"type": "input_text", "text": "{{item.text}}"}},
            ],
        },
    },
}


def test_graders_of_texts_become_scorers_and_those_of_models_are_told(tmp_path: Path) -> None:
    (tmp_path / "eval.json").write_text(json.dumps({"eval": EVAL, "runs": {"object": "list", "data": [RUN]}}))
    made = convert(tmp_path / "eval.json")
    made.write(tmp_path / "out")
    suite = read(tmp_path / "out" / "suite.yaml")
    (sample,) = suite.dataset.samples
    assert suite.name == "ticket-routing"
    assert sample.expected == {"right-team": "network"}
    assert [message["content"] for message in sample.messages] == ["Name the team.", "No Wi-Fi"]
    assert [scorer.metric for scorer in suite.scorers] == ["right-team"]
    assert "`testing_criteria[1]`: a model grades it" in made.report


def test_output_items_one_a_line_are_samples_with_the_messages_that_were_asked(tmp_path: Path) -> None:
    item = {
        "object": "eval.run.output_item",
        "datasource_item_id": 4,
        "datasource_item": {"team": "billing"},
        "sample": {"input": [{"role": "user", "content": "A bill"}], "output": [], "error": None},
    }
    (tmp_path / "eval.jsonl").write_text("\n".join(json.dumps(one) for one in (EVAL, RUN, item)))
    (row,) = convert(tmp_path / "eval.jsonl").rows
    assert row["id"] == "item-4"
    assert row["input"] == [{"role": "user", "content": "A bill"}]
    assert row["expected"] == {"right-team": "billing"}


def test_a_file_without_an_eval_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(RUN))
    with pytest.raises(BadInput, match="0 objects that are an eval"):
        convert(tmp_path / "run.json")
