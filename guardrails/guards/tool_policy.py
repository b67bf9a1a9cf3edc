"""What a model asks to have done: whether that tool, with those arguments, may be called, and who made them up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from guardrails.canonical.views import views
from guardrails.errors import NotRun
from guardrails.guard import Guard, Models
from guardrails.json_schemas import compiled, fault
from guardrails.passage import Passage, Stage, Surroundings, ToolCall
from guardrails.taint import Origin
from guardrails.verdict import NOTHING, Finding, Span

Path = Annotated[str, Field(pattern=r"^\$?(\.?(\w[\w-]*|\*|\[\*\]|\[\d+\]))*$", max_length=500)]
"""Where a value stands in arguments: `path`, `message.to`, `recipients[*].address`; `$` is all of them."""


class ToolPolicy(Guard):
    """`allow` are the tools that may be called: all that the call declares, where it is empty. `schemas` are JSON
    Schemas of arguments, in place of those that the call declares. `dangerous` are, by tool, the places of arguments
    that untrusted text (documents, and what tools returned) may not reach, unless a person said the same."""

    guard: Literal["tool_policy"] = "tool_policy"
    allow: tuple[str, ...] = Field((), description="Tools that may be called; all the declared where it is empty.")
    schemas: Mapping[str, Any] = Field({}, description="By tool, a JSON Schema of its arguments.")
    dangerous: Mapping[str, tuple[Path, ...]] = Field({}, description="By tool, places that no untrusted text reaches.")
    about: ClassVar[str] = "Tools that may not be called, arguments out of schema, and untrusted text in dangerous ones"
    stages: ClassVar[tuple[Stage, ...]] = ("tool_calls",)

    @field_validator("schemas")
    @classmethod
    def _readable(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        for name, schema in value.items():
            try:
                compiled(schema)
            except NotRun as error:
                raise ValueError(f"{name}: {error.message}") from error
        return value

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        call = judged(passage, around)
        if (reason := self.forbidden(call.name, around)) is not None:
            return Finding(1.0, reason=reason)
        try:
            arguments = json.loads(call.arguments or "{}")
        except (ValueError, RecursionError):
            return Finding(1.0, reason=f"the arguments of {call.name[:80]} are no JSON")
        schema = self.schemas.get(call.name, (around.tools or {}).get(call.name))
        if schema is not None and (wrong := fault(schema, arguments)) is not None:
            return Finding(1.0, reason=f"the arguments of {call.name[:80]}: {wrong}")
        return self.tainted(call, arguments, around)

    def forbidden(self, name: str, around: Surroundings) -> str | None:
        """Why the tool may not be called."""
        if self.allow and name not in self.allow:
            return f"{name[:80]} is none of the tools that may be called"
        if around.tools is not None and name not in around.tools:
            return f"{name[:80]} is none of the tools that were declared"
        return None

    def tainted(self, call: ToolCall, arguments: Any, around: Surroundings) -> Finding:
        """How much of the dangerous arguments stands in untrusted text, and in nothing that a person said."""
        untrusted = (*around.documents, *around.results)
        paths = self.dangerous.get(call.name, ())
        if not paths or not untrusted:
            return NOTHING
        texts = [(path, text) for path in paths for value in at(arguments, path) for text in leaves(value)]
        origin = Origin(untrusted, (around.system, around.question), [text for _, text in texts])
        shares = [(origin.share(text), path, text) for path, text in texts]
        share, path, _ = max(shares, default=(0.0, "", ""))
        if not share:
            return NOTHING
        spans = tuple(place(call.arguments, text, score) for score, _, text in shares if score >= self.threshold)
        reason = f"{path} of {call.name[:80]} repeats untrusted text"
        return Finding(round(share, 4), tuple(span for span in spans if span is not None), reason)


def judged(passage: Passage, around: Surroundings) -> ToolCall:
    """The call that the passage is of: the last with its arguments. Raises `NotRun` where there is none."""
    found = next((call for call in reversed(around.calls) if call.arguments == passage.text), None)
    if found is None:
        raise NotRun("the call that these arguments are of was not given")
    return found


def at(value: Any, path: str) -> Iterator[Any]:
    """The values at a place; nothing where there is none."""
    steps = [step for step in path.removeprefix("$").replace("[", ".").replace("]", "").split(".") if step]
    held = [value]
    for step in steps:
        held = [below for one in held for below in _below(one, step)]
    yield from held


def _below(value: Any, step: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values()) if step == "*" else [value[step]] if step in value else []
    if isinstance(value, list):
        if step == "*":
            return value
        return value[int(step) : int(step) + 1] if step.isdigit() else []
    return []


def leaves(value: Any) -> Iterator[str]:
    """The texts and numbers that a value holds, as texts. Keys are the tool's own."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            yield from (view.text for view in views(one))
        elif isinstance(one, int | float) and not isinstance(one, bool):
            yield str(one)


def place(arguments: str, text: str, score: float) -> Span | None:
    """Where a value stands in the arguments as the model wrote them, if it does so without escapes."""
    start = arguments.find(text)
    return Span(start, start + len(text), "TAINTED", score) if start >= 0 else None
