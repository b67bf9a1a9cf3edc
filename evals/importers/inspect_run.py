"""A log of Inspect as the log of a run.

Inspect's scores are kept as they are: they are what its own scorers said, under their names, and nothing of ours has
scored the answers. What they are numbers of is what Inspect would average.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evals.datasets.base import digest_of
from evals.digest import sha256
from evals.importers.base import slug
from evals.importers.inspect_log import Log, before_the_answer
from evals.importers.inspect_messages import message, text_of
from evals.runs.log import Header, MetricHeader, RunLog
from evals.sample import MICRO, Json, Output, Result, Sample, Score, ToolCall, Usage

WORDS = {"c": 1.0, "i": 0.0, "p": 0.5, "n": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
"""Correct, incorrect, partly and no answer, in capitals; the others in any case."""
NO_NUMBER = "Inspect's value is no number, and no word that it takes for one"


def keep(log: Log, folder: Path) -> Header:
    """As `sluice eval show` and a comparison read it. Raises `BadInput` where there is a run already."""
    samples = [_sample(one) for one in log.by_id().values()]
    results = sorted((_result(one) for one in log.samples), key=lambda one: (one.sample, one.repeat))
    names = sorted({name for result in results for name in result.scores})
    model = str(log.head["eval"].get("model") or "unknown")
    target = {"kind": "inspect", "model": model, "task": log.name, "plan": sha256(log.head.get("plan"))}
    dataset = digest_of(samples)
    started = _time(log.head["eval"].get("created"))
    header = Header(
        id=sha256([log.name, model, started, dataset])[:32],
        suite=log.name,
        suite_digest=sha256({"inspect": log.name, "metrics": names, "dataset": dataset}),
        dataset_digest=dataset,
        target=target,
        target_digest=sha256(target),
        metrics=tuple(MetricHeader(name, "inspect", f"what Inspect's scorer {name} said") for name in names),
        repeats=max(result.repeat for result in results) + 1,
        seed=0,
        samples=len(samples),
        started=started,
        version=version("sluicegate"),
        state="complete" if log.status == "success" else "stopped",
        about="imported from a log of Inspect",
        ended=_time((log.head.get("stats") or {}).get("completed_at")),
        cost=_cost(results),
        asked=len(results),
        failed=sum(result.error is not None for result in results),
    )
    RunLog.write(folder, header, samples, results)
    return header


def _cost(results: list[Result]) -> int | None:
    spent = sum((one.output.usage for one in results if one.output is not None), Usage(cost=0))
    return spent.cost


def _sample(one: Json) -> Sample:
    """As the dataset has it, whatever solvers make of it: runs that differ in these alone can be compared."""
    given = one.get("input", "")
    messages = (
        tuple(message(said) for said in given) if isinstance(given, list) else ({"role": "user", "content": given},)
    )
    return Sample(str(one["id"]), messages, one.get("target"), metadata=one.get("metadata") or {})


def _result(one: Json) -> Result:
    error = one.get("error")
    said = str(error.get("message", error)) if isinstance(error, dict) else error
    at = _time(one.get("completed_at"))
    repeat = int(one.get("epoch") or 1) - 1
    if said:
        return Result(str(one["id"]), repeat, None, {}, at, said)
    scores = {
        metric: score for name, given in (one.get("scores") or {}).items() for metric, score in _scores(name, given)
    }
    return Result(str(one["id"]), repeat, _output(one), scores, at)


def _output(one: Json) -> Output:
    output = one.get("output") or {}
    choice = (output.get("choices") or [{}])[0]
    said = choice.get("message") or {}
    calls = tuple(
        ToolCall(str(call.get("function", "")), call.get("arguments"), str(call.get("id", "")))
        for call in said.get("tool_calls") or []
    )
    after = (one.get("messages") or [])[len(before_the_answer(one)) :]
    finish = choice.get("stop_reason")
    if one.get("limit"):
        finish = f"{one['limit'].get('type', 'a')} limit"
    return Output(
        text_of(said.get("content")),
        tuple(message(given) for given in after),
        calls,
        finish,
        output.get("model"),
        usage=_usage(list((one.get("model_usage") or {}).values()) or [output.get("usage") or {}]),
        seconds=float(one.get("total_time") or output.get("time") or 0),
    )


def _usage(spent: list[Json]) -> Usage:
    """Inspect counts what a provider's cache gave or took apart from other input."""
    read = ("input_tokens", "input_tokens_cache_read", "input_tokens_cache_write")
    costs = [one.get("total_cost") for one in spent]
    return Usage(
        sum(one.get(key) or 0 for one in spent for key in read),
        sum(one.get("output_tokens") or 0 for one in spent),
        None if None in costs else round(sum(float(cost or 0) for cost in costs) * MICRO),
    )


def _scores(name: str, given: Mapping[str, Any]) -> Iterator[tuple[str, Score]]:
    """A scorer that gives several values is as many metrics."""
    value = given.get("value")
    several = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    for key, one in [(None, value)] if several is None else several:
        yield slug(name if key is None else f"{name}.{key}"), _score(one, given)


def _score(value: Any, given: Mapping[str, Any]) -> Score:
    reason, answer = str(given.get("explanation") or ""), given.get("answer")
    text = None if answer is None else str(answer)
    number = _number(value)
    if number is None:
        return Score(None, NO_NUMBER, text, details={"value": value if isinstance(value, str) else repr(value)})
    return Score(number, reason, text)


def _number(value: Any) -> float | None:
    """None for what Inspect itself would not take for a number, and where it says that nothing was scored (NaN)."""
    if isinstance(value, str):
        if len(value) == 1 and value.islower():
            return None
        if (found := WORDS.get(value.lower())) is not None:
            return found
    try:
        number = float(value) if isinstance(value, bool | int | float | str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _time(text: Any) -> float:
    """Unix time; 0 where the log has none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
