"""OpenAI evals become suites; what could not be carried over is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai.types.evals.runs import OutputItemListResponse

from evals.errors import BadInput
from evals.importers import openai
from evals.importers.base import Imported
from evals.importers.openai_run import keep
from evals.runs.log import read_header, read_results
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


def convert(path: Path) -> Imported:
    return openai.convert(openai.read(path), path)


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


def output_item(number: int, run: str, answer: str, score: float, **more: Any) -> dict[str, Any]:
    """As the official SDK reads and writes it."""
    usage = {"cached_tokens": 0, "completion_tokens": 1, "prompt_tokens": 12, "total_tokens": 13}
    sample = {
        "error": None,
        "finish_reason": "stop",
        "input": [{"role": "developer", "content": "Name the team."}, {"role": "user", "content": "No Wi-Fi"}],
        "output": [{"role": "assistant", "content": answer}],
        "max_completion_tokens": 2048,
        "model": "gpt-5-mini",
        "seed": 42,
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": usage,
        **more,
    }
    name = "Right team-a2486074-d803-4445-b431-ad2262e85d47"
    held = OutputItemListResponse.construct(
        id=f"outputitem_{run}_{number}",
        object="eval.run.output_item",
        created_at=1743092076 + number,
        eval_id="eval_1",
        run_id=run,
        status="pass",
        datasource_item_id=number,
        datasource_item={"text": "No Wi-Fi", "team": "network"},
        results=[{"name": name, "sample": None, "passed": score > 0.5, "score": score}],
        sample=sample,
    )
    return held.to_dict()


def test_output_items_are_the_logs_of_runs_that_can_be_compared(tmp_path: Path) -> None:
    runs = [{**RUN, "id": f"run_{n}", "name": f"try {n}", "status": "completed", "model": "gpt-5-mini"} for n in (1, 2)]
    failed = {"error": {"code": "server_error", "message": "It broke."}, "output": []}
    items = [
        output_item(0, "run_1", "network", 1.0),
        output_item(1, "run_1", "billing", 0.0),
        output_item(0, "run_2", "network", 1.0),
        output_item(1, "run_2", "", 0.0, **failed),
    ]
    (tmp_path / "eval.json").write_text(json.dumps([EVAL, *runs, *items]))
    found = openai.read(tmp_path / "eval.json")
    kept = keep(found, tmp_path)
    assert [path.name for path in kept] == ["run-try-1", "run-try-2"]
    first, second = (read_header(path) for path in kept)
    assert first.suite_digest == second.suite_digest
    assert (first.target["model"], first.state, first.failed, second.failed) == ("gpt-5-mini", "complete", 0, 1)
    right, wrong = read_results(kept[0])
    assert (right.scores["right-team"].value, wrong.scores["right-team"].value) == (1.0, 0.0)
    assert right.output is not None
    assert (right.output.text, right.output.usage.input_tokens, right.output.finish) == ("network", 12, "stop")
    assert [one.error for one in read_results(kept[1])] == [None, "It broke."]
    row = convert(tmp_path / "eval.json").rows[0]
    assert [message["role"] for message in row["input"]] == ["system", "user"]
    with pytest.raises(BadInput, match="holds a run already"):
        keep(found, tmp_path)


def test_what_a_grader_failed_at_has_no_value(tmp_path: Path) -> None:
    failed = {"code": "grader_failed", "message": "No label."}
    item = output_item(0, "run_1", "network", 1.0, error=failed)
    item["results"].append({"name": "Polite", "passed": False, "score": 0.0, "error": failed})
    keep([EVAL, item], tmp_path)
    (result,) = read_results(tmp_path / "run")
    assert (result.error, result.scores["right-team"].value) == (None, 1.0)
    assert (result.scores["polite"].value, result.scores["polite"].reason) == (None, "No label.")


def test_messages_of_several_parts_and_of_an_item(tmp_path: Path) -> None:
    parts = [
        {"type": "input_text", "text": "What is {{ item.what }}?"},
        {"type": "input_image", "image_url": "{{ item.picture }}", "detail": "low"},
        {"type": "input_audio", "input_audio": {"data": "", "format": "mp3"}},
    ]
    content = [{"item": {"what": "this", "picture": "https://example.org/a.png"}}]
    source = {"type": "completions", "source": {"type": "file_content", "content": content}}
    asked = {"type": "template", "template": [{"role": "user", "content": parts}]}
    run = {"object": "eval.run", "id": "run_1", "data_source": {**source, "input_messages": asked}}
    (tmp_path / "eval.json").write_text(json.dumps([EVAL, run]))
    made = convert(tmp_path / "eval.json")
    text, image = made.rows[0]["input"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["image_url"] == {"url": "https://example.org/a.png", "detail": "low"}
    assert "`messages.input_audio`" in made.report
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    content[0]["item"] = {"turns": turns}
    run["data_source"] = {**source, "input_messages": {"type": "item_reference", "item_reference": "item.turns"}}
    (tmp_path / "eval.json").write_text(json.dumps([EVAL, run]))
    assert convert(tmp_path / "eval.json").rows[0]["input"] == turns
