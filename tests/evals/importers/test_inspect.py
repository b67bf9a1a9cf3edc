"""Logs of Inspect become suites, and logs of runs."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.importers.inspect import convert
from evals.importers.inspect_log import read
from evals.importers.inspect_run import keep
from evals.runs.log import read_header, read_results, read_samples
from evals.suite import read as suite_of

EXPORTS = Path(__file__).parent / "exports"


def sample(number: int, epoch: int, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": f"It is {number}.", "source": "generate"}
    return {
        "id": number,
        "epoch": epoch,
        "input": f"What is {number} + 0?",
        "target": str(number),
        "messages": [{"id": "m1", "role": "user", "content": f"What is {number} + 0?"}, message],
        "output": {"model": "small", "choices": [{"message": message, "stop_reason": "stop"}]},
        "model_usage": {"small": {"input_tokens": 9, "output_tokens": 3}},
        "scores": {"includes": {"value": "C" if epoch == 1 else "I", "answer": f"It is {number}."}},
        "total_time": 0.5,
        **more,
    }


HEAD = {"version": 2, "status": "success", "eval": {"task": "Sums", "model": "openai/small", "created": "2026-01-02"}}
SAMPLES = [sample(1, 1), sample(2, 1), sample(1, 2), sample(2, 2, error={"message": "timed out"})]


def zipped(folder: Path) -> Path:
    path = folder / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as held:
        held.writestr("header.json", json.dumps(HEAD))
        for one in SAMPLES:
            held.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))
    return path


def plain(folder: Path) -> Path:
    path = folder / "log.json"
    path.write_text(json.dumps({**HEAD, "samples": SAMPLES}))
    return path


@pytest.mark.parametrize("written", [zipped, plain])
def test_samples_are_a_dataset_and_epochs_repeats(tmp_path: Path, written: Any) -> None:
    convert(read(written(tmp_path))).write(tmp_path / "out")
    suite = suite_of(tmp_path / "out" / "suite.yaml")
    assert (suite.name, suite.repeats) == ("sums", 2)
    assert {one.id: one.expected for one in suite.dataset.samples} == {"1": "1", "2": "2"}
    assert [scorer.metric for scorer in suite.scorers] == ["includes"]


@pytest.mark.parametrize("written", [zipped, plain])
def test_answers_and_scores_are_the_log_of_a_run(tmp_path: Path, written: Any) -> None:
    keep(read(written(tmp_path)), tmp_path / "run")
    header = read_header(tmp_path / "run")
    results = {(one.sample, one.repeat): one for one in read_results(tmp_path / "run")}
    assert (header.samples, header.repeats, header.asked, header.failed) == (2, 2, 4, 1)
    assert results["1", 0].scores["includes"].value == 1.0
    assert results["1", 1].scores["includes"].value == 0.0
    assert results["2", 1].error == "timed out"
    output = results["1", 0].output
    assert output is not None
    assert (output.text, output.usage.output_tokens, output.seconds) == ("It is 1.", 3, 0.5)
    assert output.messages == ({"role": "assistant", "content": "It is 1."},)


def test_a_value_that_is_no_number_is_none(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    odd = sample(1, 1, scores={"grade": {"value": "so-so"}})
    path.write_text(json.dumps({**HEAD, "samples": [odd]}))
    log = read(path)
    keep(log, tmp_path / "run")
    (result,) = read_results(tmp_path / "run")
    assert result.scores["grade"].value is None
    assert "`scorers.grade`: it is code of the task" in convert(log).report


def test_a_log_without_samples_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(json.dumps(HEAD))
    with pytest.raises(BadInput, match="no samples"):
        read(tmp_path / "log.json")


@pytest.mark.parametrize(
    ("name", "metrics"), [("weather", ["includes"]), ("choices", ["choice"]), ("cut", ["includes"])]
)
def test_what_inspect_wrote_becomes_a_suite_that_can_be_read(tmp_path: Path, name: str, metrics: list[str]) -> None:
    """Logs as Inspect 0.3.285 writes them, compressed by zstd; the last is of an eval that was killed."""
    convert(read(EXPORTS / f"{name}.eval")).write(tmp_path / "out")
    suite = suite_of(tmp_path / "out" / "suite.yaml")
    assert [scorer.metric for scorer in suite.scorers] == metrics


def test_several_values_of_a_scorer_are_metrics_and_failures_errors(tmp_path: Path) -> None:
    header = keep(read(EXPORTS / "sums.json"), tmp_path / "run")
    results = {(one.sample, one.repeat): one for one in read_results(tmp_path / "run")}
    assert [metric.name for metric in header.metrics] == [
        "includes",
        "match",
        "partly",
        "two.length",
        "two.tone",
        "word",
    ]
    assert (header.samples, header.repeats, header.asked, header.failed, header.state) == (3, 2, 6, 1, "complete")
    values = {name: score.value for name, score in results["q2", 0].scores.items()}
    assert values == {"includes": 1, "match": 1, "partly": 0.5, "two.length": 16, "two.tone": 3, "word": 1}
    assert results["q2", 1].scores["word"].value is None
    assert results["q3", 1].error == "ValueError('it broke')"


def test_samples_of_a_suite_are_what_a_model_was_asked_and_those_of_a_run_are_the_datasets(tmp_path: Path) -> None:
    log = read(EXPORTS / "sums.json")
    made = convert(log)
    assert [message["role"] for message in made.rows[0]["input"]] == ["system", "user"]
    assert made.repeats == 2
    assert [scorer["kind"] for scorer in made.scorers] == ["contains", "numeric"]
    assert "`plan`: failing: solvers are what is asked" in made.report
    keep(log, tmp_path / "run")
    assert next(read_samples(tmp_path / "run")).messages == ({"role": "user", "content": "What is 1 + 1?"},)
    (result, *_) = read_results(tmp_path / "run")
    assert result.output is not None
    assert result.output.messages == ({"role": "assistant", "content": "The answer is 2."},)


def test_letters_are_labels_and_the_question_holds_the_choices() -> None:
    made = convert(read(EXPORTS / "choices.eval"))
    assert made.scorers == [{"kind": "label", "labels": ["A", "B"], "after": "ANSWER:", "name": "choice"}]
    assert "B) Paris" in made.rows[0]["input"]
    assert made.rows[0]["expected"] == "B"


def test_tools_and_images_are_in_openais_form(tmp_path: Path) -> None:
    log = read(EXPORTS / "weather.eval")
    (row,) = convert(log).rows
    assert row["tools"][0]["function"]["name"] == "get_weather"
    assert "plan" not in convert(log).report
    text, image = row["input"][0]["content"]
    assert text == {"type": "text", "text": "The weather here?"}
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    keep(log, tmp_path / "run")
    (result,) = read_results(tmp_path / "run")
    assert result.output is not None
    assert [message["role"] for message in result.output.messages] == ["assistant", "tool", "assistant"]
    assert result.output.messages[0]["tool_calls"][0]["function"]["arguments"] == '{"city": "Paris"}'


def test_a_killed_eval_has_the_samples_that_were_written(tmp_path: Path) -> None:
    log = read(EXPORTS / "cut.eval")
    header = keep(log, tmp_path / "run")
    assert (header.state, header.samples) == ("stopped", 2)
    assert "did not end well (started)" in convert(log).report


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("C", 1.0),
        ("P", 0.5),
        ("c", None),
        ("Yes", 1.0),
        ("false", 0.0),
        ("0.25", 0.25),
        ("maybe", None),
        (math.nan, None),
    ],
)
def test_values_are_the_numbers_that_inspect_takes_them_for(tmp_path: Path, value: Any, number: float | None) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps({**HEAD, "samples": [sample(1, 1, scores={"grade": {"value": value}})]}))
    keep(read(path), tmp_path / "run")
    (result,) = read_results(tmp_path / "run")
    assert result.scores["grade"].value == number


def test_tokens_from_a_cache_are_input_and_costs_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    spent = {"input_tokens": 9, "input_tokens_cache_read": 5, "output_tokens": 3, "total_cost": 0.00025}
    path.write_text(json.dumps({**HEAD, "samples": [sample(1, 1, model_usage={"small": spent})]}))
    header = keep(read(path), tmp_path / "run")
    (result,) = read_results(tmp_path / "run")
    assert result.output is not None
    assert (result.output.usage.input_tokens, result.output.usage.cost, header.cost) == (14, 250, 250)


def test_a_damaged_log_is_bad_input(tmp_path: Path) -> None:
    whole = bytearray((EXPORTS / "cut.eval").read_bytes())
    whole[60:90] = bytes(30)
    (tmp_path / "cut.eval").write_bytes(whole)
    with pytest.raises(BadInput, match=r"cannot be unpacked|damaged"):
        read(tmp_path / "cut.eval")


def test_solvers_that_go_on_after_the_first_answer_are_told(tmp_path: Path) -> None:
    steps = [{"solver": name} for name in ("system_message", "generate", "user_message", "generate")]
    path = tmp_path / "log.json"
    path.write_text(json.dumps({**HEAD, "plan": {"steps": steps, "config": {"temperature": 0}}, "samples": SAMPLES}))
    told = {note.where: note.said for note in convert(read(path)).notes}
    assert told["plan"].startswith("user_message, generate: solvers")
    assert "a release sets" in told["model_generate_config.temperature"]
