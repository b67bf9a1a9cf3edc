"""A LangChain Runnable as a target."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from evals.errors import BadInput, TargetFailed
from evals.sample import Output, Sample, ToolCall, Usage
from evals.targets.base import Asking, Target
from evals.targets.own import OwnSpec


class RunnableSpec(OwnSpec):
    """`call` is `module:object`, of `module.py` in the suite's folder, else of an installed module: anything with
    `ainvoke`. It is given the sample's `variables` where it has some, else the chat messages; it gives a text, or a
    message of LangChain's."""

    about: ClassVar[str] = "a LangChain Runnable"
    kind: Literal["runnable"] = "runnable"

    def check(self, value: Any) -> None:
        if not hasattr(value, "ainvoke"):
            raise BadInput(f"{self.call} is no Runnable: it has no ainvoke.")

    def open(self, folder: Path) -> Target:
        return Invoked(self.call, self.value(folder))


class Invoked:
    def __init__(self, call: str, runnable: Any) -> None:
        self._call, self._runnable = call, runnable

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        given: Any = dict(sample.variables) if sample.variables else [dict(message) for message in sample.messages]
        try:
            return _output(await self._runnable.ainvoke(given), self._call)
        except TargetFailed:
            raise
        except Exception as error:
            raise TargetFailed(f"{self._call}: {type(error).__name__}: {error}") from error

    async def close(self) -> None: ...


def _output(value: Any, call: str) -> Output:
    """A message of LangChain's is known by what it has."""
    if isinstance(value, str):
        return Output(value, ({"role": "assistant", "content": value},), finish="stop")
    content = getattr(value, "content", None)
    if content is None:
        raise TargetFailed(f"{call} gave {type(value).__name__}, which is neither a text nor a message")
    text = content if isinstance(content, str) else "".join(_part(part) for part in content)
    used = getattr(value, "usage_metadata", None) or {}
    told = getattr(value, "response_metadata", None) or {}
    calls = tuple(ToolCall(one["name"], one.get("args"), one.get("id") or "") for one in _calls(value))
    return Output(
        text,
        ({"role": "assistant", "content": text},),
        calls,
        told.get("finish_reason"),
        told.get("model_name"),
        usage=Usage(used.get("input_tokens", 0), used.get("output_tokens", 0)),
    )


def _calls(message: Any) -> list[dict[str, Any]]:
    return getattr(message, "tool_calls", None) or []


def _part(part: Any) -> str:
    return part if isinstance(part, str) else str(part.get("text", "")) if isinstance(part, dict) else ""
