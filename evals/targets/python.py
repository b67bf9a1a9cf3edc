"""A function as a target: a program of one's own, asked without a server."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from evals.errors import BadInput, TargetFailed
from evals.sample import Output, Sample
from evals.targets.base import Asking, Target
from evals.targets.own import OwnSpec

MOST_COST = 10**15
"""Micro-USD of one answer: a billion dollars."""


class PythonSpec(OwnSpec):
    """`call` is `module:function`, of `module.py` in the suite's folder, else of an installed module. The function
    takes a sample and returns the answer's text, an `Output`, or one as a mapping. It may be async; one that is not
    runs in a thread. What it raises is a failure. The file's text is part of the target: another text is asked anew."""

    about: ClassVar[str] = "a function of the suite's own"
    kind: Literal["python"] = "python"

    def check(self, value: Any) -> None:
        if not callable(value):
            raise BadInput(f"{self.call} is no function.")

    def open(self, folder: Path) -> Target:
        return Function(self.call, self.value(folder))


class Function:
    def __init__(self, call: str, function: Callable[..., Any]) -> None:
        self._call, self._function = call, function

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        try:
            if inspect.iscoroutinefunction(self._function):
                return output_of(await self._function(sample), self._call)
            return output_of(await asyncio.to_thread(self._function, sample), self._call)
        except TargetFailed:
            raise
        except Exception as error:
            raise TargetFailed(f"{self._call}: {type(error).__name__}: {error}") from error

    async def close(self) -> None: ...


def output_of(value: Any, call: str) -> Output:
    """Raises `TargetFailed` for what is no answer."""
    if isinstance(value, Output):
        return _sound(value, call)
    if isinstance(value, str):
        return _sound(Output(value, ({"role": "assistant", "content": value},), finish="stop"), call)
    try:
        return _sound(msgspec.convert(value, Output), call)
    except msgspec.ValidationError as error:
        raise TargetFailed(
            f"{call} gave {str(value)[:80]!r}, which is neither a text nor an output: {error}"
        ) from error


def _sound(output: Output, call: str) -> Output:
    """As a log has it again. Raises `TargetFailed` where no log can hold it: numbers that are none, or too large."""
    try:
        found = msgspec.json.decode(msgspec.json.encode(output), type=Output)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:
        raise TargetFailed(f"{call} gave an output that cannot be written down: {error}") from error
    if found.usage.cost is not None and not 0 <= found.usage.cost <= MOST_COST:
        raise TargetFailed(f"{call} gave a cost of {found.usage.cost} micro-USD, which is none.")
    return found
