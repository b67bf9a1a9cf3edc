"""A function of the suite's own, in a file beside it or in an installed package, as a scorer."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

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
    call: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    options: Json = Field(default_factory=dict)

    _file: Path | None = PrivateAttr(None)
    _digest: str | None = PrivateAttr(None)

    def placed(self, folder: Path) -> Self:
        module = self.call.partition(":")[0]
        beside = folder / f"{module.replace('.', '/')}.py"
        placed = self.model_copy()
        if beside.is_file():
            placed._file = beside.resolve()
        source = placed._file or _installed(module)
        placed._digest = None if source is None else sha256(source.read_bytes()).hexdigest()
        if not callable(placed._function):
            raise BadInput(f"{self.call} is no function.")
        return placed

    @property
    def identity(self) -> Mapping[str, Any]:
        return {**super().identity, "code": self._digest}

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        function = self._function
        if inspect.iscoroutinefunction(function):
            return _score(await function(sample, output, **self.options), self.call)
        return _score(await asyncio.to_thread(function, sample, output, **self.options), self.call)

    @cached_property
    def _function(self) -> Callable[..., Any]:
        module, _, name = self.call.partition(":")
        loaded = _load(self._file) if self._file is not None else _import(module)
        function: Callable[..., Any] | None = getattr(loaded, name, None)
        if function is None:
            raise BadInput(f"{self.call}: {loaded.__file__} has no {name!r}.")
        return function


def _installed(module: str) -> Path | None:
    try:
        found = find_spec(module)
    except ImportError:
        return None
    return Path(found.origin) if found is not None and found.has_location and found.origin else None


def _load(file: Path) -> ModuleType:
    """Under no name: files of two suites may be called the same."""
    spec = spec_from_file_location(f"suite_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadInput(f"{file} cannot be loaded: {type(error).__name__}: {error}.") from error
    return module


def _import(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        message = f"there is no {module}.py in the suite's folder, and no module of that name: {error}."
        raise BadInput(message) from error


def _score(found: Any, call: str) -> Score:
    if isinstance(found, Score):
        return found
    if found is None:
        return Score(None, f"{call} gave none")
    if isinstance(found, bool | int | float) and math.isfinite(found):
        return Score(float(found))
    return Score(None, f"{call} gave {str(found)[:80]!r}, which is no finite number")
