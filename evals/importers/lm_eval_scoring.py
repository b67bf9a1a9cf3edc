"""lm-eval's metrics and filters as scorers.

A filter takes from an answer what is compared. A scorer reads an answer as a whole, its number, or the label it names:
what patterns of filters take is one of these three, or is told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evals.importers.base import Imported, slug
from evals.importers.lm_eval_task import Code
from evals.sample import Json
from evals.scorers.numbers import number

CODE = "it is code: put it into a module beside the suite, as a scorer of the kind python"
OF_PROBABILITIES = "it is worked out of probabilities, which answers do not have"
OF_ALL = {"bleu": "bleu", "chrf": "chrf"}
CHOSEN = ("acc", "acc_norm", "exact_match", "f1", "mcc")
IGNORED = {
    "ignore_punctuation": "marks are compared too",
    "ignore_numbers": "numbers are compared too",
    "regexes_to_ignore": "what its patterns take away is compared too, but for what they cut off before the answer",
}
PLAIN = ("take_first", "remove_whitespace", "lowercase", "take_first_k")
USUAL = r"#### (\-?[0-9\.\,]+)"
"""lm-eval's pattern, where a filter has none."""
MOST_LABELS = 26
BEHIND = re.compile(r"\(\?<=([^()|]+)\)")
CUT = re.compile(r"\(\?s\)\.\*((?:[^\\.*+?()\[\]{}|^$]|\\.)+)")
"""Takes away all up to some text: `(?s).*#### `."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a pipeline of filters takes: all of an answer, or what a pattern finds, the first or the last time."""

    pattern: str | None = None
    last: bool = False
    ignore_case: bool = False


def generating(task: Json, targets: Sequence[Sequence[str]], made: Imported) -> None:
    """Adds the scorers of a task that generates; `targets` are what each sample expects."""
    metrics = task.get("metric_list") or [{"metric": "exact_match"}]
    pipelines = task.get("filter_list") or [{"name": "none", "filter": [{"function": "take_first"}]}]
    for at, pipeline in enumerate(pipelines if isinstance(pipelines, list) else []):
        where = f"filter_list[{at}]"
        taken = _taken(pipeline.get("filter") or [], where, made)
        if taken is None:
            continue
        for number_, metric in enumerate(metrics):
            name = str(metric.get("metric"))
            full = name if len(pipelines) == 1 else f"{name}.{pipeline.get('name', at)}"
            place = f"metric_list[{number_}]" if len(pipelines) == 1 else f"metric_list[{number_}], {where}"
            scorer = _scorer(metric, taken, targets, place, made)
            if scorer is not None:
                made.scored_by({**scorer, "name": slug(full)}, place)
    if isinstance(task.get("process_results"), Code):
        made.left_out("process_results", CODE)


def choosing(task: Json, labels: Sequence[str], made: Imported) -> None:
    """Adds the scorer of a task that chooses."""
    made.changed(
        "output_type",
        "lm-eval compares how likely each choice is; here a model writes which it is: figures are not those of lm-eval",
    )
    for at, metric in enumerate(task.get("metric_list") or [{"metric": "acc"}]):
        name = metric.get("metric")
        if isinstance(name, Code) or name not in CHOSEN:
            made.left_out(f"metric_list[{at}]", CODE if isinstance(name, Code) else OF_PROBABILITIES)
        elif name in ("f1", "mcc"):
            made.left_out(f"metric_list[{at}]", "it is of all samples together: reports have F1 beside a label's score")
        else:
            made.scored_by({"kind": "label", "labels": list(labels), "name": "acc"}, f"metric_list[{at}]")


def cut(target: str, task: Json) -> str:
    """A target without what `regexes_to_ignore` take away before it."""
    for metric in task.get("metric_list") or []:
        for pattern in metric.get("regexes_to_ignore") or []:
            found = CUT.fullmatch(str(pattern))
            if found is not None and (text := _bare(found[1])) in target:
                target = target.rpartition(text)[2]
    return target


def _taken(filters: list[Any], where: str, made: Imported) -> Taken | None:
    taken = Taken()
    for step in filters:
        name = step.get("function") if isinstance(step, dict) else step
        if name == "regex" and taken.pattern is None and isinstance(step, dict):
            pattern = str(step.get("regex_pattern") or USUAL)
            taken = Taken(pattern, step.get("group_select", 0) == -1, taken.ignore_case)
        elif name in PLAIN:
            taken = Taken(taken.pattern, taken.last, taken.ignore_case or name == "lowercase")
        elif isinstance(name, Code):
            made.left_out(where, CODE)
            return None
        else:
            made.left_out(
                where, f"there is nothing like the filter {str(name)[:80]!r}: {CODE.removeprefix('it is code: ')}"
            )
            return None
    return taken


def _scorer(metric: Json, taken: Taken, targets: Sequence[Sequence[str]], where: str, made: Imported) -> Json | None:
    name = metric.get("metric")
    if isinstance(name, Code):
        made.left_out(where, CODE)
        return None
    if name in OF_ALL and taken.pattern is None:
        made.changed(where, "it is of each answer by itself, and not of all together")
        return {"kind": OF_ALL[name]}
    if name != "exact_match":
        made.left_out(where, f"there is no scorer for {str(name)[:80]!r} of what its filter takes")
        return None
    for key, said in IGNORED.items():
        if metric.get(key):
            made.changed(f"{where}.{key}", said)
    ignore_case = bool(metric.get("ignore_case")) or taken.ignore_case
    if taken.pattern is None:
        return {"kind": "exact", "ignore_case": ignore_case}
    return _found(taken, taken.pattern, targets, where, made)


def _found(taken: Taken, pattern: str, targets: Sequence[Sequence[str]], where: str, made: Imported) -> Json | None:
    """For what a pattern finds."""
    before = _before(pattern)
    after: Json = {"after": before} if before else {}
    which = "last" if taken.last else "first"
    if all(len(target) == 1 and number(target[0]) is not None for target in targets):
        place = f" after the last {before!r}" if before else ""
        made.changed(where, f"the {which} number{place} counts, in place of what {pattern!r} finds")
        return {"kind": "numeric", "take": which, **after}
    labels = sorted({text.strip().strip("().") for target in targets for text in target})
    if 2 <= len(labels) <= MOST_LABELS and len(labels) < len(targets) and all(len(target) == 1 for target in targets):
        made.changed(where, f"the one label that is named counts, in place of what {pattern!r} finds")
        return {"kind": "label", "labels": labels, **after}
    made.left_out(
        where, f"what {pattern!r} finds is neither a number nor one of a few labels: {CODE.partition(': ')[2]}"
    )
    return None


def _before(pattern: str) -> str | None:
    """The text that a pattern wants before what it takes."""
    behind = BEHIND.search(pattern)
    if behind is not None:
        return _bare(behind[1]) or None
    literal = re.match(r"(?:[^\\.*+?()\[\]{}|^$]|\\[^\w\s])+(?=\()", pattern)
    return _bare(literal[0]).strip() or None if literal is not None else None


def _bare(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern)
