"""A task of lm-eval as a suite: from its YAML, or from the samples that a run of it logged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from evals.errors import BadInput
from evals.importers import lm_eval_prompt as prompts
from evals.importers import lm_eval_samples as samples
from evals.importers import lm_eval_scoring as scoring
from evals.importers import lm_eval_task as tasks
from evals.importers.base import Imported
from evals.importers.lm_eval_prompt import Asked
from evals.importers.template import NotFilled
from evals.sample import Json

READ = {
    *("task", "dataset_path", "dataset_kwargs", "test_split", "validation_split", "training_split", "fewshot_split"),
    *("doc_to_text", "doc_to_target", "doc_to_choice", "description", "gen_prefix", "num_fewshot", "fewshot_config"),
    *("output_type", "metric_list", "filter_list", "process_results", "target_delimiter", "fewshot_delimiter"),
}
SILENT = {"tag", "task_alias", "metadata", "dataset_name", "should_decontaminate", "doc_to_decontamination_query"}
ELSEWHERE = {
    "generation_kwargs": "a release sets such parameters, or the target that is asked",
    "repeats": "its filters pick one of several answers; a suite's repeats are samples that all count",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A row of the task's dataset, by the name that its sample has."""

    name: str
    row: Json
    asked: Asked


def convert(path: Path) -> Imported:
    """Of a task's YAML. Raises `BadInput` for a task that cannot be a suite."""
    task = tasks.read(path)
    made = Imported(str(task.get("task") or path.stem), "lm-eval")
    items = []
    for number, row in enumerate(tasks.docs(task, prompts.split_of(task), path)):
        try:
            items.append(Item(f"row-{number}", row, prompts.asked(task, row)))
        except NotFilled as error:
            made.left_out(f"row-{number}", f"it could not be filled in: {error}")
    for key in task:
        if key not in READ | SILENT:
            made.left_out(str(key), ELSEWHERE.get(str(key), "it has no counterpart"))
    with_letters = _with_letters(task, items)
    prompt = prompts.Prompt(task, _examples(task, path), with_letters, made)
    _fill(task, items, lambda item: prompt.messages(item.row, item.asked), made)
    if not made.rows:
        raise BadInput(f"none of its rows could be asked: {_why(made)}.", file=str(path))
    return made


def convert_samples(logged: samples.Samples) -> Imported:
    """Of samples that lm-eval logged: what a model was asked then is asked."""
    task = logged.config
    made = Imported(logged.name, "samples of lm-eval")
    contexts: dict[str, Any] = {}
    items = []
    for name, (line, *_) in logged.lines.items():
        contexts[name], asked = samples.asked(line, task)
        items.append(Item(name, line["doc"] if isinstance(line["doc"], dict) else {}, asked))
    with_letters = _with_letters(task, items)

    def messages(item: Item) -> Any:
        context = contexts[item.name]
        if not with_letters:
            return context
        below = prompts.lettered(item.asked)
        return below if isinstance(context, str) else [*context[:-1], {**context[-1], "content": below}]

    _fill(task, items, messages, made)
    if not task:
        made.left_out("metrics", "no results_*.json of the same time lies beside, which says how answers were scored")
        made.scorers.clear()
    elif logged.repeated:
        made.changed("repeats", "of several answers to a question the first is in the run; its scores are of all")
    return made


def _fill(task: Json, items: Sequence[Item], messages: Callable[[Item], Any], made: Imported) -> None:
    with_letters = _with_letters(task, items)
    for item in items:
        if with_letters and len(item.asked.choices) > len(ascii_uppercase):
            made.left_out(item.name, "it has more choices than there are letters")
            continue
        try:
            given = messages(item)
        except NotFilled as error:
            made.left_out(item.name, f"its examples could not be filled in: {error}")
            continue
        right = prompts.letters(item.asked) if with_letters else _right(task, item.asked)
        expected = right[0] if len(right) == 1 else right
        made.rows.append({"id": item.name, "input": given, "expected": expected, "metadata": {"doc": item.row}})
    if task.get("output_type") != "multiple_choice":
        wanted = [row["expected"] if isinstance(row["expected"], list) else [row["expected"]] for row in made.rows]
        scoring.generating(task, wanted, made)
        return
    labels = _labels(items)
    if with_letters:
        made.changed("doc_to_choice", "the choices stand below the question, with letters, and a letter is asked for")
        labels = list(ascii_uppercase)[: max([2, *(len(item.asked.choices) for item in items)])]
    scoring.choosing(task, labels, made)


def _right(task: Json, one: Asked) -> list[str]:
    return [scoring.cut(text, task).strip() for text in one.texts]


def _examples(task: Json, path: Path) -> list[Json]:
    if not task.get("num_fewshot"):
        return []
    held = prompts.examples_of(task)
    return held if isinstance(held, list) else tasks.docs(task, held, path)


def _with_letters(task: Json, items: Sequence[Item]) -> bool:
    return task.get("output_type") == "multiple_choice" and not _labels(items)


def _labels(items: Sequence[Item]) -> list[str]:
    """The choices, where all rows have the same, and their questions show them."""
    held = {item.asked.choices for item in items}
    shown = len(held) == 1 and all(prompts.shows_choices(item.asked) for item in items)
    return [choice.strip() for choice in held.pop()] if shown else []


def _why(made: Imported) -> str:
    return next((note.said for note in made.notes if note.where.startswith("row-")), "there are none")
