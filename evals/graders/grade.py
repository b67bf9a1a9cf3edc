"""How a grader is applied to an item and a sample."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from evals.errors import TargetFailed
from evals.graders import formula, template
from evals.graders.similarity import similarity
from evals.graders.spec import Grader, LabelModel, ModelGrader, Multi, ScoreModel, StringCheck, TextSimilarity
from evals.sample import Json

Ask = Callable[[str, Json], Awaitable[Json]]
"""Has a model answer: a name for this call that is the same when it is made again, and the body of a chat completion;
gives the reply's body. Raises `TargetFailed`."""


@dataclass(frozen=True, slots=True)
class Grade:
    """`score` is the grader's own, in its own range. `sample` is what a model said for it; `parts` are the scores of a
    multi grader's graders; `replies` are the replies of models, to be counted."""

    score: float
    passed: bool
    sample: Json | None = None
    parts: Json = field(default_factory=dict)
    replies: tuple[Json, ...] = ()


async def grade(grader: Grader, space: template.Space, ask: Ask) -> Grade:
    """Raises `BadInput` where a tag names nothing or a library is missing, and `TargetFailed` where a model gives no
    answer that can be read."""
    match grader:
        case StringCheck():
            right = _holds(grader, template.fill(grader.input, space), template.fill(grader.reference, space))
            return Grade(float(right), right)
        case TextSimilarity():
            texts = template.fill(grader.input, space), template.fill(grader.reference, space)
            near = await asyncio.to_thread(similarity, grader.evaluation_metric, *texts)
            return Grade(near, near >= _threshold(grader, 0.0, 1.0))
        case ScoreModel():
            return await _scored(grader, space, ask)
        case LabelModel():
            return await _labelled(grader, space, ask)
        case Multi():
            return await _combined(grader, space, ask)


def sample_of(text: str, **more: Any) -> Json:
    """The `sample` that tags can name, of a model's text."""
    try:
        parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        parsed = None
    return {"output_text": text, "output_json": parsed, **more}


def _holds(grader: StringCheck, text: str, reference: str) -> bool:
    match grader.operation:
        case "eq":
            return text == reference
        case "ne":
            return text != reference
        case "like":
            return reference in text
        case "ilike":
            return reference.lower() in text.lower()


def _threshold(grader: Grader, low: float, high: float) -> float:
    """Half of the range, where none was set."""
    return grader.pass_threshold if grader.pass_threshold is not None else (low + high) / 2


async def _scored(grader: ScoreModel, space: template.Space, ask: Ask) -> Grade:
    low, high = grader.range
    reply, said = await _asked(grader, space, ask, {"result": {"type": "number", "minimum": low, "maximum": high}})
    value = said.get("result")
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TargetFailed(f"The grader {grader.name!r} got no score from {grader.model!r}.")
    score = min(high, max(low, float(value)))
    return Grade(score, score >= _threshold(grader, low, high), _seen(reply), replies=(reply,))


async def _labelled(grader: LabelModel, space: template.Space, ask: Ask) -> Grade:
    reply, said = await _asked(grader, space, ask, {"result": {"type": "string", "enum": list(grader.labels)}})
    label = said.get("result")
    if label not in grader.labels:
        raise TargetFailed(f"The grader {grader.name!r} got none of its labels from {grader.model!r}.")
    passed = label in grader.passing_labels
    return Grade(float(passed), passed, {**_seen(reply), "label": label}, replies=(reply,))


async def _combined(grader: Multi, space: template.Space, ask: Ask) -> Grade:
    grades = {}
    for name, one in grader.graders.items():
        grades[name] = await grade(one, space, _under(name, ask))
    score = formula.compute(grader.calculate_output, {name: one.score for name, one in grades.items()})
    replies = tuple(reply for one in grades.values() for reply in one.replies)
    parts = {name: one.score for name, one in grades.items()}
    return Grade(score, score >= _threshold(grader, 0.0, 1.0), None, parts, replies)


def _under(name: str, ask: Ask) -> Ask:
    return lambda key, body: ask(f"{name}.{key}", body)


async def _asked(grader: ModelGrader, space: template.Space, ask: Ask, result: Json) -> tuple[Json, Json]:
    """The reply of the grader's model, and the object in it. Where a model is none for structured outputs, a bare
    answer is taken for the result."""
    reasons = {"type": "array", "items": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {"steps": reasons, **result},
        "required": ["steps", "result"],
        "additionalProperties": False,
    }
    body: Json = {
        "model": grader.model,
        "messages": [message.filled(space) for message in grader.input],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "grade", "schema": schema, "strict": True},
        },
    }
    if grader.sampling_params is not None:
        given = grader.sampling_params.model_dump(exclude_none=True)
        if (most := given.pop("max_completions_tokens", None)) is not None:
            given["max_completion_tokens"] = most
        body |= given
    reply = await ask(grader.name, body)
    text = text_of(reply).strip()
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        said = text
    return reply, said if isinstance(said, dict) else {"result": said}


def text_of(reply: Json) -> str:
    """The first choice's text, empty where it has none."""
    choices = reply.get("choices") or [{}]
    return (choices[0].get("message") or {}).get("content") or ""


def _seen(reply: Json) -> Json:
    return {"model": reply.get("model", ""), "output": [{"role": "assistant", "content": text_of(reply)}]}
