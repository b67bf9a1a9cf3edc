"""What lm-eval writes with `--log_samples`: samples_*.jsonl, and beside it results_*.json with the task and the model.

All is in it that was asked and said, so that tasks whose code or dataset only lm-eval knows become suites by it too;
and it is the log of a run. A metric of lm-eval's is of a sample, of all its answers together: the run has one repeat.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evals.datasets.base import digest_of
from evals.digest import sha256
from evals.errors import BadInput
from evals.importers.base import slug, text_of
from evals.importers.lm_eval_prompt import Asked, literal
from evals.runs.log import Header, MetricHeader, RunLog
from evals.sample import Json, Output, Result, Sample, Score, Usage

NAME = re.compile(r"samples_(.+)_(\d{4}-\d{2}-\d{2}T[\d.:-]+)\.jsonl")
OF_ALL = "lm-eval works it out of all samples together"


@dataclass(frozen=True, slots=True)
class Samples:
    """`lines` are those of each sample, by its id: one for each pipeline of filters. `config` is the task's, empty
    where no results lie beside."""

    name: str
    lines: dict[str, list[Json]]
    config: Json
    results: Json

    @property
    def filters(self) -> list[str]:
        return list(dict.fromkeys(str(line.get("filter", "none")) for held in self.lines.values() for line in held))

    @property
    def chooses(self) -> bool:
        return self.config.get("output_type") == "multiple_choice"

    @property
    def repeated(self) -> bool:
        """Whether a question was asked more than once."""
        answers = [one for held in self.lines.values() for line in held for one in line["resps"][:1]]
        return not self.chooses and any(isinstance(one, list) and len(one) > 1 for one in answers)


def read(path: Path) -> Samples:
    """Raises `BadInput` for what is no such file."""
    lines: dict[str, list[Json]] = {}
    for number, text in enumerate(text_of(path).splitlines(), 1):
        try:
            line = json.loads(text)
        except ValueError as error:
            raise BadInput(f"is not JSON: {error}.", file=str(path), line=number) from error
        known = isinstance(line, dict) and {"doc_id", "doc", "arguments", "resps"} <= line.keys()
        if not known or not isinstance(line["resps"], list):
            raise BadInput("is no sample as lm-eval logs them.", file=str(path), line=number)
        lines.setdefault(f"doc-{line['doc_id']}", []).append(line)
    if not lines:
        raise BadInput("holds no samples.", file=str(path))
    named = NAME.fullmatch(path.name)
    name = named[1] if named is not None else path.stem
    results = _results(path.parent / f"results_{named[2]}.json") if named is not None else {}
    return Samples(name, lines, (results.get("configs") or {}).get(name) or {}, results)


def _results(path: Path) -> Json:
    if not path.is_file():
        return {}
    try:
        found = json.loads(text_of(path))
    except ValueError as error:
        raise BadInput(f"is not JSON: {error}.", file=str(path)) from error
    return found if isinstance(found, dict) else {}


def asked(line: Json, config: Json) -> tuple[Any, Asked]:
    """What was asked, a text or messages; and what is right of it."""
    given = _arguments(line["arguments"])
    context = _context(given[0][0] if given else "")
    target = line.get("target")
    found = literal(target) if isinstance(target, str) and target[:1] == "[" and target[-1:] == "]" else target
    right = tuple(found) if isinstance(found, list | tuple) else (found,)
    choices: tuple[str, ...] = ()
    if config.get("output_type") == "multiple_choice":
        choices = tuple(str(one[1]) for one in given if len(one) > 1)
        right = tuple(int(one) if str(one).isdigit() else str(one) for one in right)
    text = context if isinstance(context, str) else str(context[-1].get("content", ""))
    return context, Asked(text, tuple(one if isinstance(one, int) and choices else str(one) for one in right), choices)


def _arguments(held: Any) -> list[list[Any]]:
    """Of each request, its arguments in order, as versions since 0.4.3 and those before write them."""
    requests = held.values() if isinstance(held, dict) else held if isinstance(held, list) else []
    lists = [list(one.values()) if isinstance(one, dict) else one for one in requests]
    return [one for one in lists if isinstance(one, list) and one]


def _context(held: Any) -> Any:
    """Messages, where a chat was asked, which is JSON in a list; else the text."""
    text = held[0] if isinstance(held, list) and held else held
    try:
        found = json.loads(text) if isinstance(held, list) else text
    except (TypeError, ValueError):
        return str(text)
    chat = isinstance(found, list) and found and all(isinstance(one, dict) and "role" in one for one in found)
    return found if chat else str(text)


def keep(samples: Samples, folder: Path) -> Header:
    """The log of a run, as `sluice eval show` and a comparison read it. Raises `BadInput` where there is one."""
    found = [_sample(name, held[0], samples.config) for name, held in samples.lines.items()]
    several = len(samples.filters) > 1
    started = float(samples.results.get("date") or 0)
    results = [_result(name, held, several, samples.chooses, started) for name, held in samples.lines.items()]
    names = sorted({name for result in results for name in result.scores})
    lower = {name for name, more in _directions(samples).items() if more is False}
    config = samples.results.get("config") or {}
    model = str(samples.results.get("model_name") or config.get("model") or "unknown")
    target = {"kind": "lm-eval", "model": model, "task": samples.name, "model_args": config.get("model_args")}
    dataset = digest_of(found)
    header = Header(
        id=sha256([samples.name, model, started, dataset])[:32],
        suite=slug(samples.name),
        suite_digest=sha256({"lm-eval": samples.name, "metrics": names, "dataset": dataset}),
        dataset_digest=dataset,
        target=target,
        target_digest=sha256(target),
        metrics=tuple(
            MetricHeader(name, "lm-eval", f"what lm-eval's metric {name} is", name.partition(".")[0] in lower)
            for name in names
        ),
        repeats=1,
        seed=0,
        samples=len(found),
        started=started,
        version=version("sluicegate"),
        state="complete",
        about="imported from samples of lm-eval",
        ended=started + float(samples.results.get("total_evaluation_time_seconds") or 0),
        asked=len(results),
    )
    RunLog.write(folder, header, found, results)
    return header


def _directions(samples: Samples) -> Json:
    return (samples.results.get("higher_is_better") or {}).get(samples.name) or {}


def _sample(name: str, line: Json, config: Json) -> Sample:
    context, one = asked(line, config)
    messages = tuple(context) if isinstance(context, list) else ({"role": "user", "content": context},)
    return Sample(name, messages, one.texts if len(one.right) > 1 else one.texts[0], metadata={"doc": line["doc"]})


def _result(name: str, lines: list[Json], several: bool, chooses: bool, at: float) -> Result:
    scores = {key: score for line in lines for key, score in _scores(line, several)}
    text = _chosen(lines[0]) if chooses else _said(lines[0])
    return Result(name, 0, Output(text, ({"role": "assistant", "content": text},), usage=Usage()), scores, at)


def _said(line: Json) -> str:
    """The first of its answers."""
    held = line["resps"]
    while isinstance(held, list) and held:
        held = held[0]
    return held if isinstance(held, str) else json.dumps(held)


def _chosen(line: Json) -> str:
    """The likeliest choice."""
    given = _arguments(line["arguments"])
    likely = [float(one[0][0]) for one in line["resps"] if isinstance(one, list) and one and isinstance(one[0], list)]
    if not likely or len(likely) > len(given):
        return ""
    return str(given[likely.index(max(likely))][1]).strip()


def _scores(line: Json, several: bool) -> Iterator[tuple[str, Score]]:
    taken = line.get("filtered_resps") or [None]
    answer = taken[0] if isinstance(taken[0], str) else None
    for metric in line.get("metrics") or []:
        value = line.get(metric)
        key = slug(f"{metric}.{line.get('filter')}" if several else str(metric))
        number = isinstance(value, bool | int | float) and math.isfinite(value)
        yield key, Score(float(value), "", answer) if number and value is not None else Score(None, OF_ALL, answer)
