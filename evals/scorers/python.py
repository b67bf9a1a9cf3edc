"""A function of the suite's own, in a file beside it or in an installed package, as a scorer."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from evals.code import PATTERN, Code
from evals.errors import BadInput
from evals.sample import Json, Output, Sample, Score
from evals.scorers.base import Instruments, Scorer


class Python(Scorer):
    """`call` is `module:function`: of `module.py` in the suite's folder, else of an installed module. The function
    takes a sample, an output and, by name, the `options`; it returns a number, true or false, None, or a `Score`. It
    may be async; one that is not runs in a thread. What it raises is, in a run, the reason of a score without a value.

    The digest of the suite is of the file's text too: another text is another suite. Of an installed module it is of
    that module's own file."""

    about: ClassVar[str] = "what a function of the suite's own says"
    kind: Literal["python"] = "python"
    call: str = Field(pattern=PATTERN)
    options: Json = Field(default_factory=dict)

    _code: Code | None = PrivateAttr(None)

    def placed(self, folder: Path) -> Self:
        placed = self.model_copy()
        placed._code = Code.of(self.call, folder)
        if not callable(placed._code.value):
            raise BadInput(f"{self.call} is no function.")
        return placed

    @property
    def identity(self) -> Mapping[str, Any]:
        return {**super().identity, "code": self._code.digest if self._code is not None else None}

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        assert self._code is not None
        function: Callable[..., Any] = self._code.value
        if inspect.iscoroutinefunction(function):
            return _score(await function(sample, output, **self.options), self.call)
        return _score(await asyncio.to_thread(function, sample, output, **self.options), self.call)


def _score(found: Any, call: str) -> Score:
    if isinstance(found, Score):
        return found
    if found is None:
        return Score(None, f"{call} gave none")
    if isinstance(found, bool | int | float) and math.isfinite(found):
        return Score(float(found))
    return Score(None, f"{call} gave {str(found)[:80]!r}, which is no finite number")
