"""Logs of Inspect become suites, and logs of runs."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.importers.inspect import convert, keep, read
from evals.runs.log import read_header, read_results
from evals.suite import read as suite_of


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
    odd = sample(1, 1, scores={"grade": {"value": {"tone": 3}}})
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
