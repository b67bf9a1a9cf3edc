"""A model with tools: asked, its calls run, their results given back, until it answers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import orjson
from msgspec.structs import replace
from pydantic import Field, PrivateAttr

from evals.code import PATTERN, Code
from evals.errors import BadInput
from evals.sample import Json, Output, Sample, ToolCall, Usage
from evals.targets.base import Asking, Target, TargetSpec
from evals.targets.nested import Nested, spec_of

Tool = Callable[..., Any]
LONGEST = 100_000
"""Characters of a result that the model is shown."""


class AgentSpec(TargetSpec):
    """`model` is a target that may call the sample's `tools`. `tools` is `module:name` of a mapping from their names to
    functions, which take a call's arguments by name; `results` are texts to give in their place. A tool that has
    neither is never run: the model is told that there is no such tool, as it is told what a tool raises. After `steps`
    asks it ends, whatever it still wants to call. The trajectory is in the output's messages, all calls in its tool
    calls."""

    sees_all: ClassVar[bool] = True
    about: ClassVar[str] = "a model that calls tools until it answers"
    kind: Literal["agent"] = "agent"
    model: Nested
    tools: Annotated[str, Field(pattern=PATTERN)] | None = None
    results: Mapping[str, str] = {}
    steps: Annotated[int, Field(ge=1, le=100)] = 10

    _code: Code | None = PrivateAttr(None)
    _asked: TargetSpec | None = PrivateAttr(None)

    def placed(self, folder: Path) -> Self:
        placed = self.model_copy()
        placed._asked = spec_of(self.model).placed(folder)
        if self.tools is not None:
            placed._code = Code.of(self.tools, folder)
            found = placed._code.value
            if not isinstance(found, Mapping) or not all(callable(tool) for tool in found.values()):
                raise BadInput(f"{self.tools} is no mapping from names to functions.")
        return placed

    @property
    def identity(self) -> Mapping[str, Any]:
        code = self._code.digest if self._code is not None else None
        return {**super().identity, "model": self._nested.identity, "code": code}

    @property
    def family(self) -> str | None:
        return self._nested.family

    def open(self, folder: Path) -> Target:
        tools = Code.of(self.tools, folder).value if self.tools is not None else {}
        return Agent(self._nested.open(folder), tools, self.results, self.steps)

    @property
    def _nested(self) -> TargetSpec:
        return self._asked if self._asked is not None else spec_of(self.model)


class Agent:
    def __init__(self, model: Target, tools: Mapping[str, Tool], results: Mapping[str, str], steps: int) -> None:
        self._model, self._tools, self._results, self._steps = model, tools, results, steps

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        said: list[Json] = []
        calls: list[ToolCall] = []
        usage, seconds = Usage(cost=0), 0.0
        for _ in range(self._steps):
            output = await self._model.ask(replace(sample, messages=(*sample.messages, *said)), asking)
            usage, seconds = usage + output.usage, seconds + output.seconds
            said += output.messages
            if not output.tool_calls:
                break
            calls += output.tool_calls
            for call in output.tool_calls:
                result = await self._run(call)
                said.append({"role": "tool", "tool_call_id": call.id, "content": result[:LONGEST]})
        return replace(output, messages=tuple(said), tool_calls=tuple(calls), usage=usage, seconds=seconds)

    async def close(self) -> None:
        await self._model.close()

    async def _run(self, call: ToolCall) -> str:
        if call.name in self._results:
            return self._results[call.name]
        tool = self._tools.get(call.name)
        if tool is None:
            return f"Error: there is no tool {call.name!r}."
        if not isinstance(call.arguments, dict):
            return "Error: the arguments are no JSON object."
        try:
            if inspect.iscoroutinefunction(tool):
                found = await tool(**call.arguments)
            else:
                found = await asyncio.to_thread(tool, **call.arguments)
            return found if isinstance(found, str) else orjson.dumps(found, default=str).decode()
        except Exception as error:  # noqa: BLE001 - whatever a tool raises, the model is told
            return f"Error: {type(error).__name__}: {error}"
