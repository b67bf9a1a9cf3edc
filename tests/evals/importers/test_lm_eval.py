"""Tasks of lm-eval, and the samples that it logged, become suites; samples become the log of a run too.

The files in `exports` were written by lm-eval 0.4.13.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import BadInput
from evals.importers.lm_eval import convert, convert_samples
from evals.importers.lm_eval_samples import keep, read
from evals.runs.log import read_header, read_results
from evals.suite import read as suite_of

EXPORTS = Path(__file__).parent / "exports" / "lm_eval"
CAPITALS = EXPORTS / "samples_capitals_2026-11-26T16-38-08.528174.jsonl"
LANDS = EXPORTS / "samples_lands_2026-11-26T16-38-19.947742.jsonl"
TASK = """
task: Sums
dataset_path: json
dataset_kwargs: {data_files: {test: sums.jsonl}}
test_split: test
doc_to_text: "What is {{n}} + {{n}}?"
doc_to_target: "{{2 * n}}"
"""


def task(folder: Path, more: str = "", rows: list[dict[str, Any]] | None = None) -> Path:
    held = [{"n": n} for n in (1, 2, 3)] if rows is None else rows
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held))
    (folder / "sums.yaml").write_text(TASK + more)
    return folder / "sums.yaml"


@pytest.mark.parametrize(("name", "logged"), [("capitals", CAPITALS), ("lands", LANDS)])
def test_a_task_asks_what_lm_eval_asked_and_expects_the_same(name: str, logged: Path) -> None:
    task, samples = convert(EXPORTS / f"{name}.yaml"), convert_samples(read(logged))
    assert [row["input"] for row in task.rows] == [row["input"] for row in samples.rows]
    assert [row["expected"] for row in task.rows] == [row["expected"] for row in samples.rows]
    assert task.scorers == samples.scorers
    assert task.scorers != []


def test_a_suite_can_be_read_and_tells_what_was_left_out(tmp_path: Path) -> None:
    made = convert(EXPORTS / "capitals.yaml")
    made.write(tmp_path / "out")
    suite = suite_of(tmp_path / "out" / "suite.yaml")
    assert [message["role"] for message in suite.dataset.samples[0].messages] == ["system", "user", "assistant", "user"]
    assert [scorer.metric for scorer in suite.scorers] == ["exact_match.whole"]
    told = {note.where: note.said for note in made.notes}
    assert "neither a number nor one of a few labels" in told["metric_list[0], filter_list[1]"]
    assert "a release sets" in told["generation_kwargs"]


def test_samples_are_the_log_of_a_run(tmp_path: Path) -> None:
    keep(read(CAPITALS), tmp_path / "run")
    header = read_header(tmp_path / "run")
    assert (header.suite, header.samples, header.repeats, header.target["model"]) == ("capitals", 2, 1, "support-bot")
    assert [metric.name for metric in header.metrics] == ["exact_match.after", "exact_match.whole"]
    first, second = read_results(tmp_path / "run")
    assert [first.scores["exact_match.after"].value, second.scores["exact_match.after"].value] == [0.0, 1.0]
    assert second.scores["exact_match.after"].answer == "A"
    assert second.output is not None
    assert (second.output.text, second.output.usage.cost) == ("ANSWER: A", None)


def test_the_likeliest_choice_is_the_answer(tmp_path: Path) -> None:
    keep(read(LANDS), tmp_path / "run")
    texts = [result.output.text for result in read_results(tmp_path / "run") if result.output is not None]
    assert set(texts) <= {"A", "B"}
    values = [result.scores["acc"].value for result in read_results(tmp_path / "run")]
    assert values == [float(text == right) for text, right in zip(texts, "ABA", strict=True)]


def test_samples_without_results_have_no_scorers(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_text(CAPITALS.read_text())
    made = convert_samples(read(tmp_path / "samples.jsonl"))
    assert made.scorers == []
    assert "no results_*.json" in made.report


@pytest.mark.parametrize(
    ("filters", "scorer"),
    [
        ("[{function: take_first}]", {"kind": "exact", "ignore_case": False}),
        ("[{function: lowercase}, {function: take_first}]", {"kind": "exact", "ignore_case": True}),
        ('[{function: regex, regex_pattern: "(-?[0-9]+)", group_select: -1}]', {"kind": "numeric", "take": "last"}),
        ("[{function: regex}]", {"kind": "numeric", "take": "first", "after": "####"}),
        (
            r"[{function: regex, regex_pattern: 'The answer is (\-?[0-9\.\,]+).'}]",
            {"kind": "numeric", "take": "first", "after": "The answer is"},
        ),
    ],
)
def test_filters_of_numbers_and_whole_answers(tmp_path: Path, filters: str, scorer: dict[str, Any]) -> None:
    made = convert(task(tmp_path, f"filter_list: [{{name: one, filter: {filters}}}]\n"))
    assert made.scorers == [{**scorer, "name": "exact_match"}]


def test_what_a_pattern_finds_of_a_few_labels_is_a_label(tmp_path: Path) -> None:
    rows = [{"n": n, "right": f"({'AB'[n % 2]})"} for n in range(5)]
    more = (
        "doc_to_target: right\n"
        'filter_list: [{name: one, filter: [{function: regex, regex_pattern: "(?<=the answer is )(.*)(?=.)"}]}]\n'
    )
    path = task(tmp_path, "", rows)
    path.write_text(TASK.replace('doc_to_target: "{{2 * n}}"\n', "") + more)
    made = convert(path)
    assert made.scorers == [{"kind": "label", "labels": ["A", "B"], "after": "the answer is ", "name": "exact_match"}]
    made.write(tmp_path / "out")
    assert len(suite_of(tmp_path / "out" / "suite.yaml").dataset.samples) == 5


def test_a_target_is_what_comes_after_what_is_to_be_ignored(tmp_path: Path) -> None:
    rows = [{"n": 1, "worked": "1 + 1 is 2\n#### 2"}]
    ignored = r'metric_list: [{metric: exact_match, regexes_to_ignore: [",", "(?s).*#### "]}]'
    path = task(tmp_path, "", rows)
    path.write_text(TASK.replace('"{{2 * n}}"', "worked") + ignored)
    assert [row["expected"] for row in convert(path).rows] == ["2"]


def test_choices_that_a_question_does_not_show_stand_below_it(tmp_path: Path) -> None:
    rows = [{"n": 1, "among": ["3", "2"], "gold": 1}, {"n": 2, "among": ["4", "5", "6"], "gold": "4"}]
    more = "output_type: multiple_choice\ndoc_to_choice: among\nmetric_list: [{metric: acc}, {metric: brier_score}]\n"
    path = task(tmp_path, "", rows)
    path.write_text(TASK.replace('"{{2 * n}}"', "gold") + more)
    made = convert(path)
    assert made.rows[0]["input"].startswith("What is 1 + 1?\n\nA) 3\nB) 2\n\n")
    assert [row["expected"] for row in made.rows] == ["B", "A"]
    assert made.scorers == [{"kind": "label", "labels": ["A", "B", "C"], "name": "acc"}]
    assert "out of probabilities" in made.report


def test_a_file_is_laid_over_what_it_includes(tmp_path: Path) -> None:
    task(tmp_path)
    (tmp_path / "more.yaml").write_text('include: sums.yaml\ntask: more\ndescription: "Add."\n')
    made = convert(tmp_path / "more.yaml")
    assert (made.name, made.rows[2]["expected"]) == ("more", "6")
    assert made.rows[0]["input"][0] == {"role": "system", "content": "Add."}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "process_docs: !function utils.process\n",
            "process_docs is code, utils.process: run the task with --log_samples",
        ),
        ("dataset_path: openai/gsm8k\n", "'openai/gsm8k' is on the Hub"),
        ("output_type: loglikelihood\n", "needs probabilities"),
        ("group: sums\n", "a group of tasks"),
        ("dataset_kwargs: {data_files: {test: nowhere.jsonl}}\n", "nowhere.jsonl is no file"),
        ("include: sums.yaml\n", "include each other"),
        ('doc_to_text: "{{ nothing }}"\n', "none of its rows could be asked"),
        ("test_split: null\n", "neither a test_split"),
    ],
)
def test_what_cannot_be_carried_over_is_refused(tmp_path: Path, more: str, said: str) -> None:
    path = task(tmp_path)
    (tmp_path / "base.yaml").write_text(path.read_text())
    held = more if "include" in more else f"include: base.yaml\n{more}"
    path.write_text(held)
    with pytest.raises(BadInput, match=said):
        convert(path)


def test_nothing_of_a_template_gets_out_of_its_sandbox(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="none of its rows"):
        convert(task(tmp_path, "description: \"{{ ''.__class__.__mro__ }}\"\n", [{"n": "{{ n }}"}]))


@pytest.mark.parametrize("text", ["", "[]\n", "{}\n", '{"doc_id": 1, "doc": {}, "arguments": {}, "resps": "x"}\n'])
def test_what_is_no_log_of_samples_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "samples.jsonl").write_text(text)
    with pytest.raises(BadInput, match="no sample"):
        read(tmp_path / "samples.jsonl")
