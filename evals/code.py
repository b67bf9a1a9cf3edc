"""Code of a suite's own: `module:name`, of `module.py` in the suite's folder, else of an installed module. It runs as
whoever runs the suite, when the suite is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from evals.errors import BadInput

PATTERN = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


@dataclass(frozen=True)
class Code:
    """`file` is the one beside the suite; None for an installed module."""

    call: str
    file: Path | None

    @classmethod
    def of(cls, call: str, folder: Path) -> Code:
        beside = folder / f"{call.partition(':')[0].replace('.', '/')}.py"
        return cls(call, beside.resolve() if beside.is_file() else None)

    def __reduce__(self) -> tuple[type[Code], tuple[str, Path | None]]:
        """What was loaded is loaded anew elsewhere."""
        return Code, (self.call, self.file)

    @cached_property
    def value(self) -> Any:
        """What stands there. Raises `BadInput` where it cannot be loaded, or there is no such name."""
        module, _, name = self.call.partition(":")
        loaded = _load(self.file) if self.file is not None else _import(module)
        try:
            return getattr(loaded, name)
        except AttributeError as error:
            raise BadInput(f"{self.call}: {loaded.__file__} has no {name!r}.") from error

    @cached_property
    def digest(self) -> str | None:
        """Of the file's text: of an installed module its own file, and none where it has no file."""
        source = self.file or _installed(self.call.partition(":")[0])
        return None if source is None else sha256(source.read_bytes()).hexdigest()


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
