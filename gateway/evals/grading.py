"""What is done with one row of a run: a model is asked, and its answer graded."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from evals.digest import sha256
from evals.errors import EvalError
from evals.graders import template
from evals.graders.grade import grade, sample_of, text_of
from evals.graders.spec import Grader
from gateway.evals.requests import Jsonl, Sampled, Sampling, Template
from gateway.evals.shapes import USAGE, usage_of
from gateway.store.evals import DataRow, ItemRow
from gateway.types import Json

Ask = Callable[[str, Json], Awaitable[Json]]
"""A chat completion under an idempotency key. Raises `TargetFailed`."""


async def work(run: str, row: DataRow, source: Jsonl | Sampled, graders: Sequence[Grader], ask: Ask) -> ItemRow:
    """What comes of a row. An error, of the model that is asked or of a grader, is a result too."""
    usage: list[Json] = []

    async def counted(name: str, body: Json) -> Json:
        reply = await ask(f"{run}-{row.number}-{sha256(name)[:12]}", body)
        usage.append(usage_of(reply))
        return reply

    try:
        sample = await _sample(row, source, counted)
    except EvalError as error:
        failed = {**_blank(), "error": {"code": "sample_failed", "message": error.message}}
        return _item(run, row, "error", failed, [], usage)
    space = {"item": row.item, **({"sample": sample} if sample is not None else {})}
    results = [await _result(grader, space, counted) for grader in graders]
    errors = [result["error"] for result in results if "error" in result]
    status = "error" if errors else "pass" if all(result["passed"] for result in results) else "fail"
    shown = _shown(sample, source, usage)
    if errors:
        shown["error"] = errors[0]
    return _item(run, row, status, shown, results, usage)


async def _result(grader: Grader, space: template.Space, ask: Ask) -> Json:
    about: Json = {"name": grader.name, "type": grader.type}
    try:
        found = await grade(grader, space, lambda name, body: ask(f"grader.{name}", body))
    except EvalError as error:
        return {**about, "passed": False, "score": 0.0, "error": {"code": "grader_failed", "message": error.message}}
    return {**about, "passed": found.passed, "score": found.score, "sample": found.sample}


async def _sample(row: DataRow, source: Jsonl | Sampled, ask: Ask) -> Json | None:
    """The `sample` that graders see; None where there is none."""
    if isinstance(source, Jsonl) or source.model is None:
        return None if row.sample is None else {**sample_of(str(row.sample.get("output_text", ""))), **row.sample}
    body = chat_body(source, row)
    reply = await ask("sample", body)
    choice = (reply.get("choices") or [{}])[0]
    return sample_of(
        text_of(reply),
        model=str(reply.get("model") or source.model),
        finish_reason=choice.get("finish_reason") or "",
        input=body["messages"],
        output_tools=(choice.get("message") or {}).get("tool_calls") or [],
        choices=reply.get("choices") or [],
    )


def chat_body(source: Sampled, row: DataRow) -> Json:
    """What the model of a run is asked for this row. Raises `BadInput` where a tag names nothing."""
    space = {"item": row.item, **({"sample": row.sample} if row.sample is not None else {})}
    messages: Any
    if isinstance(source.input_messages, Template):
        messages = [message.filled(space) for message in source.input_messages.template]
    else:
        path = source.input_messages.item_reference if source.input_messages is not None else "item.input"
        messages = template.look_up(path, space)
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    return {"model": source.model, "messages": messages, **_sampling(source.sampling_params)}


def _sampling(given: Sampling | None) -> Json:
    """As fields of a chat completion; what the responses API writes in another way is written as chat has it."""
    if given is None:
        return {}
    fields = given.model_dump(exclude_none=True, exclude={"text", "tools", "response_format"})
    form = given.response_format if given.text is None else given.text.format
    if form is not None and form.get("type") == "json_schema" and "json_schema" not in form:
        form = {"type": "json_schema", "json_schema": {name: form[name] for name in form if name != "type"}}
    if form is not None:
        fields["response_format"] = form
    if given.tools:
        fields["tools"] = [_tool(tool) for tool in given.tools]
    return fields


def _tool(tool: Json) -> Json:
    if tool.get("type") != "function" or "function" in tool:
        return tool
    return {"type": "function", "function": {name: tool[name] for name in tool if name != "type"}}


def _item(run: str, row: DataRow, status: str, sample: Json, results: list[Json], usage: list[Json]) -> ItemRow:
    ident = f"outputitem_{secrets.token_hex(12)}"
    return ItemRow(run, row.number, ident, time.time(), status, sample, results, usage)


def _blank() -> Json:
    """An output item's sample, of which nothing is known."""
    return {
        "error": None, "finish_reason": "", "input": [], "output": [], "model": "",
        "max_completion_tokens": None, "seed": None, "temperature": None, "top_p": None,
        "usage": dict.fromkeys(USAGE, 0),
    }  # fmt: skip


def _shown(sample: Json | None, source: Jsonl | Sampled, usage: list[Json]) -> Json:
    shown = _blank()
    if sample is None:
        return shown
    asked = sample.get("input")
    shown["input"] = asked if isinstance(asked, list) else []
    shown["output"] = [{"role": "assistant", "content": sample["output_text"]}]
    shown |= {name: sample.get(name) or "" for name in ("model", "finish_reason")}
    if isinstance(source, Sampled) and source.model is not None:
        shown["usage"] = {name: usage[0][name] for name in USAGE}
        given = source.sampling_params
        if given is not None:
            for name in ("max_completion_tokens", "seed", "temperature", "top_p"):
                shown[name] = getattr(given, name)
    return shown
