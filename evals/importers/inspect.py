"""A log of Inspect: its samples as a dataset, and its answers and scores as the log of a run.

The log is one JSON file (`.json`), or a ZIP of them (`.eval`). Inspect's scores are kept as they are: they are what its
own scorers said, under their names, and nothing of ours has scored the answers.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evals.datasets.base import digest_of
from evals.digest import sha256
from evals.errors import BadInput
from evals.importers.base import Imported, slug
from evals.runs.log import Header, MetricHeader, RunLog
from evals.sample import Json, Output, Result, Sample, Score, ToolCall, Usage

MOST_BYTES = 256 * 1024 * 1024
"""Of one file in a ZIP, unpacked."""
LETTERS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Correct, incorrect, partly, no answer: as Inspect averages them."""
SCORERS: dict[str, Json] = {
    "exact": {"kind": "exact", "ignore_case": True},
    "f1": {"kind": "f1"},
    "includes": {"kind": "contains", "match": "any"},
}
WHY_NOT = {
    "match": "it looks at the end of an answer: a scorer of the kind numeric or regex may do",
    "pattern": "its pattern is in the task's code: write it as a scorer of the kind regex",
    "answer": "its pattern is in the task's code: write it as a scorer of the kind label",
    "choice": "write it as a scorer of the kind label",
}


@dataclass(frozen=True, slots=True)
class Log:
    name: str
    head: Json
    samples: list[Json]


def read(path: Path) -> Log:
    """Raises `BadInput` for what is no log, and for one without its samples."""
    try:
        head, samples = _zipped(path) if zipfile.is_zipfile(path) else _plain(path)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}.", file=str(path)) from error
    except ValueError as error:
        raise BadInput(f"is no log of Inspect: {error}.", file=str(path)) from error
    if not isinstance(head, dict) or not isinstance(head.get("eval"), dict):
        raise BadInput("is no log of Inspect: it does not say which eval it is of.", file=str(path))
    found = [one for one in samples if isinstance(one, dict) and "id" in one]
    if not found:
        raise BadInput("holds no samples: only its head was kept.", file=str(path))
    return Log(slug(str(head["eval"].get("task") or path.stem)), head, found)


def _plain(path: Path) -> tuple[Any, list[Any]]:
    head = json.loads(path.read_bytes())
    return head, (head.get("samples") or []) if isinstance(head, dict) else []


def _zipped(path: Path) -> tuple[Any, list[Any]]:
    with zipfile.ZipFile(path) as held:
        names = held.namelist()
        if "header.json" not in names:
            raise ValueError("it has no header.json; the eval may not have ended")
        found = [name for name in names if name.startswith("samples/") and name.endswith(".json")]
        return _member(held, "header.json"), [_member(held, name) for name in found]


def _member(held: zipfile.ZipFile, name: str) -> Any:
    if held.getinfo(name).file_size > MOST_BYTES:
        raise ValueError(f"{name} is longer than {MOST_BYTES:,} bytes")
    try:
        return json.loads(held.read(name))
    except (NotImplementedError, zipfile.BadZipFile) as error:
        raise ValueError(f"{name} cannot be unpacked ({error}): write it as JSON with inspect log convert") from error


def convert(log: Log) -> Imported:
    epochs = {int(one.get("epoch") or 1) for one in log.samples}
    made = Imported(log.name, "Inspect", repeats=max(epochs))
    scored = dict.fromkeys(name for one in log.samples for name in one.get("scores") or {})
    for name in scored:
        if name in SCORERS:
            made.scored_by({**SCORERS[name], "name": slug(name)}, f"scorers.{name}")
            made.changed(f"scorers.{name}", "words and marks are compared as the scorer of ours does")
        else:
            graded = name.startswith("model_graded")
            why = "a model grades it: calibrate a judge on labels of people" if graded else "it is code of the task"
            made.left_out(f"scorers.{name}", WHY_NOT.get(name, why))
    made.left_out("plan", "solvers are what is asked: put them behind an endpoint, or ask a function of yours")
    for key in ("choices", "sandbox", "files", "setup"):
        if any(one.get(key) for one in log.samples):
            made.left_out(f"samples.{key}", "a sample has no such part")
    made.rows = [_row(one) for one in _first(log).values()]
    return made


def keep(log: Log, folder: Path) -> Header:
    """The log of a run, as `sluice eval show` and a comparison read it. Raises `BadInput` where there is one."""
    samples = [_sample(one) for one in _first(log).values()]
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
        state="complete" if log.head.get("status") == "success" else "stopped",
        about="imported from a log of Inspect",
        ended=_time((log.head.get("stats") or {}).get("completed_at")),
        asked=len(results),
        failed=sum(result.error is not None for result in results),
    )
    kept = RunLog.create(folder, header, samples)
    try:
        for result in results:
            kept.add(result)
    finally:
        kept.close()
    return header


def _first(log: Log) -> dict[str, Json]:
    """Samples by id, each once however many epochs there were."""
    found: dict[str, Json] = {}
    for one in log.samples:
        found.setdefault(str(one["id"]), one)
    return found


def _row(one: Json) -> Json:
    row = {"id": str(one["id"]), "input": one.get("input", ""), "expected": one.get("target")}
    if isinstance(row["input"], list):
        row["input"] = [_message(message) for message in row["input"]]
    return {**row, "metadata": one["metadata"]} if one.get("metadata") else row


def _sample(one: Json) -> Sample:
    row = _row(one)
    given = row["input"]
    messages = tuple(given) if isinstance(given, list) else ({"role": "user", "content": given},)
    return Sample(row["id"], messages, row["expected"], metadata=row.get("metadata", {}))


def _message(message: Json) -> Json:
    """A chat message of OpenAI's form: ids and sources of Inspect's stay behind."""
    kept = {key: message[key] for key in ("role", "content", "tool_call_id") if message.get(key) is not None}
    calls = [
        {"id": call.get("id", ""), "type": "function", "function": _function(call)}
        for call in message.get("tool_calls") or []
    ]
    return {**kept, "tool_calls": calls} if calls else kept


def _function(call: Json) -> Json:
    return {"name": call.get("function", ""), "arguments": json.dumps(call.get("arguments"))}


def _result(one: Json) -> Result:
    error = one.get("error")
    said = str(error.get("message", error)) if isinstance(error, dict) else error
    scores = {slug(name): _score(given) for name, given in (one.get("scores") or {}).items()}
    at = _time(one.get("completed_at"))
    output = None if said else _output(one)
    return Result(str(one["id"]), int(one.get("epoch") or 1) - 1, output, {} if said else scores, at, said)


def _output(one: Json) -> Output:
    output = one.get("output") or {}
    choices = output.get("choices") or [{}]
    message = choices[0].get("message") or {}
    content = message.get("content") or ""
    text = content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
    spent = list((one.get("model_usage") or {}).values()) or [output.get("usage") or {}]
    usage = Usage(sum(u.get("input_tokens") or 0 for u in spent), sum(u.get("output_tokens") or 0 for u in spent))
    calls = tuple(
        ToolCall(str(call.get("function", "")), call.get("arguments"), str(call.get("id", "")))
        for call in message.get("tool_calls") or []
    )
    asked = len(one["input"]) if isinstance(one.get("input"), list) else 1
    after = tuple(_message(message) for message in (one.get("messages") or [])[asked:])
    seconds = float(one.get("total_time") or output.get("time") or 0)
    finish = choices[0].get("stop_reason")
    return Output(text, after, calls, finish, output.get("model"), usage=usage, seconds=seconds)


def _score(given: Mapping[str, Any]) -> Score:
    """A value that is no number and no letter of Inspect's is none, and its reason says so."""
    value, reason = given.get("value"), str(given.get("explanation") or "")
    answer = given.get("answer")
    text = None if answer is None else str(answer)
    if isinstance(value, bool | int | float):
        return Score(float(value), reason, text)
    if isinstance(value, str) and value in LETTERS:
        return Score(LETTERS[value], reason, text)
    return Score(None, "Inspect's value is neither a number nor C, I, P or N", text, details={"value": value})


def _time(text: Any) -> float:
    """Unix time; 0 where the log has none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
