"""How a target is named in a command: in a word, where a suite would take a line."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import ValidationError

from evals.errors import BadInput
from evals.targets import registry
from evals.targets.base import TargetSpec

HOW = (
    "NAME or NAME@DIGEST (an endpoint of the gateway), URL#MODEL (any OpenAI-compatible API), python:MODULE:FUNCTION, "
    'runnable:MODULE:OBJECT, or as in a suite: {"kind": …}'
)


def target(text: str) -> TargetSpec:
    """Raises `BadInput`."""
    value = _value(text)
    try:
        return registry.find(str(value.get("kind"))).model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in fault["loc"])
        raise BadInput(f"{text[:200]!r}: {where}: {fault['msg'].removeprefix('Value error, ')}.") from error


def _value(text: str) -> dict[str, Any]:
    if text.startswith("{"):
        try:
            value: dict[str, Any] = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise BadInput(f"A target that begins with {{ is JSON: {error}.") from error
        return value
    if text.startswith(("http://", "https://")):
        url, _, model = text.partition("#")
        if not model:
            raise BadInput(f"Which model of {url} is asked? Write {url}#MODEL.")
        return {"kind": "openai", "base_url": url, "model": model}
    kind, colon, rest = text.partition(":")
    if colon and kind in ("python", "runnable"):
        return {"kind": kind, "call": rest}
    name, _, digest = text.partition("@")
    return {"kind": "endpoint", "name": name, **({"release": digest} if digest else {})}
