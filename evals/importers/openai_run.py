"""The output items of OpenAI's evals as logs of runs: what was answered, and what the graders there said."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evals.datasets.base import digest_of
from evals.digest import sha256
from evals.importers.base import slug
from evals.importers.openai import item_id
from evals.runs.log import Header, MetricHeader, RunLog
from evals.sample import Json, Output, Result, Sample, Score, Usage

NUMBERED = re.compile(r"-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""What OpenAI puts behind the name of a grader in results."""


def keep(found: list[Json], folder: Path) -> list[Path]:
    """Each run that has output items, in `folder / run`, or `folder / run-NAME` where there are several. Raises
    `BadInput` where there is one already."""
    by_run: dict[str, dict[str, Json]] = {}
    for one in found:
        if one["object"] == "eval.run.output_item":
            by_run.setdefault(str(one.get("run_id")), {}).setdefault(item_id(one), one)
    runs = {str(one.get("id")): one for one in found if one["object"] == "eval.run"}
    (eval_,) = (one for one in found if one["object"] == "eval")
    kept: list[Path] = []
    for run_id, items in by_run.items():
        run = runs.get(run_id, {})
        name = slug(f"run-{run.get('name') or run_id}") if len(by_run) > 1 else "run"
        place = folder / (name if folder / name not in kept else slug(f"run-{run_id}"))
        _keep(eval_, run, items, place)
        kept.append(place)
    return kept


def _keep(eval_: Json, run: Json, items: dict[str, Json], folder: Path) -> None:
    """Samples are the items, whatever a run asked about them: runs of several prompts can be compared."""
    samples = [Sample(name, variables=one.get("datasource_item") or {}) for name, one in items.items()]
    results = [_result(name, one) for name, one in items.items()]
    names = sorted({name for result in results for name in result.scores})
    said = next((result.output.model for result in results if result.output is not None and result.output.model), None)
    target = {"kind": "openai-evals", "model": run.get("model") or said or "unknown", "run": run.get("id")}
    dataset = digest_of(samples)
    started = float(run.get("created_at") or min(result.at for result in results))
    suite = slug(str(eval_.get("name") or eval_.get("id")))
    header = Header(
        id=sha256([suite, target, started, dataset])[:32],
        suite=suite,
        suite_digest=sha256({"openai-evals": suite, "metrics": names, "dataset": dataset}),
        dataset_digest=dataset,
        target=target,
        target_digest=sha256(target),
        metrics=tuple(MetricHeader(name, "openai-evals", f"what the grader {name} said") for name in names),
        repeats=1,
        seed=0,
        samples=len(samples),
        started=started,
        version=version("sluicegate"),
        state="complete" if run.get("status") == "completed" else "stopped",
        about="imported from OpenAI evals",
        ended=max(result.at for result in results),
        asked=len(results),
        failed=sum(result.error is not None for result in results),
    )
    RunLog.write(folder, header, samples, results)


def _result(name: str, one: Json) -> Result:
    sample = one.get("sample") or {}
    at = float(one.get("created_at") or 0)
    error = sample.get("error") or {}
    if (error.get("message") or error.get("code")) and not sample.get("output"):
        return Result(name, 0, None, {}, at, str(error.get("message") or error["code"]))
    grades = [grade for grade in one.get("results") or [] if isinstance(grade, dict)]
    scores = {slug(NUMBERED.sub("", str(grade.get("name")))): _score(grade) for grade in grades}
    return Result(name, 0, _output(sample), scores, at)


def _output(sample: Json) -> Output:
    said = [one for one in sample.get("output") or [] if isinstance(one, dict)]
    messages = tuple({"role": one.get("role") or "assistant", "content": one.get("content") or ""} for one in said)
    usage = sample.get("usage") or {}
    return Output(
        str(messages[-1]["content"]) if messages else "",
        messages,
        finish=sample.get("finish_reason"),
        model=sample.get("model"),
        usage=Usage(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0),
    )


def _score(grade: Json) -> Score:
    if failed := grade.get("error"):
        return Score(None, str(failed.get("message", failed) if isinstance(failed, dict) else failed))
    value: Any = grade.get("score")
    if not isinstance(value, bool | int | float):
        value = grade.get("passed")
    if not isinstance(value, bool | int | float):
        return Score(None, "the grader said neither a score nor whether it passed")
    passed = grade.get("passed")
    return Score(float(value), "", details={} if passed is None else {"passed": passed})
