"""An answer that was to be JSON: whether it is, and matches the schema; and cheap faults of its form undone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from guardrails.errors import NotRun
from guardrails.guard import Guard, Models
from guardrails.json_mending import mended
from guardrails.json_schemas import fault
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.verdict import NOTHING, Finding


class Schema(Guard):
    """1 where the call asked for JSON and the answer is none, or does not match the schema that was asked for. With
    `repair` a whole answer whose form can be repaired, so that it matches, is repaired before any guard judges it."""

    guard: Literal["schema"] = "schema"
    repair: bool = Field(False, description="Repair the form of an answer that is not streamed, where it matches then.")
    about: ClassVar[str] = "Whether an answer is the JSON, and matches the JSON Schema, that the call asked for"
    stages: ClassVar[tuple[Stage, ...]] = ("output",)
    whole: ClassVar[bool] = True

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if (schema := asked(around.response_format)) is None:
            raise NotRun("no JSON was asked for", "idle")
        wrong = fault_of(passage.text, schema)
        if wrong is None:
            return NOTHING
        can = "; it can be repaired" if self.repaired(passage.text, around) is not None else ""
        return Finding(1.0, reason=wrong + can)

    def repaired(self, text: str, around: Surroundings) -> str | None:
        """The answer with its form repaired, where it then matches; None where it cannot be, or needs none.
        Raises `NotRun` where the schema is none."""
        schema = asked(around.response_format)
        if schema is None or fault_of(text, schema) is None:
            return None
        made = repair(text)
        return made if made is not None and fault_of(made, schema) is None else None


def asked(response_format: Mapping[str, Any] | None) -> Any:
    """The JSON Schema that an answer is to match, in the shape of Chat Completions or of Responses; that of any object
    for `json_object`; None where no JSON is asked for."""
    form = response_format or {}
    if form.get("type") == "json_object":
        return {"type": "object"}
    if form.get("type") != "json_schema":
        return None
    held = form.get("json_schema", form)
    return held.get("schema", {}) if isinstance(held, Mapping) else {}


def fault_of(text: str, schema: Any) -> str | None:
    """What is wrong with the text, None where nothing is. Raises `NotRun` where the schema is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "it is no JSON"
    return fault(schema, value)


def repair(text: str) -> str | None:
    """The JSON that a text was to be: without code fences, words around it and commas too many, with double quotes,
    and with what was cut off closed. A text that is JSON comes back as it is; None where nothing can be made of it."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return mended(text)
    return text
