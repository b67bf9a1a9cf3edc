"""How what people write in YAML becomes frozen values: by pydantic, with the file and the line of what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from evals import faults as faulty
from evals.errors import BadInput
from evals.strict_yaml import Document, Malformed, read


class Part(BaseModel):
    """A part of a suite. Unknown keys are refused: a misspelt option would be one that is not in force."""

    model_config = ConfigDict(extra="forbid", frozen=True)


T = TypeVar("T", bound=BaseModel)


def load(path: Path) -> Document:
    """The one document of a YAML file. Raises `BadInput` with the line."""
    try:
        found = read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise BadInput("is not UTF-8.", file=str(path)) from error
    except Malformed as error:
        raise BadInput(f"{error.problem}.", file=str(path), line=error.line) from error
    if not found:
        raise BadInput("is empty.", file=str(path))
    if len(found) > 1:
        raise BadInput(f"holds {len(found)} YAML documents, and one is expected.", file=str(path))
    return found[0]


def parse(kind: type[T], document: Document, path: Path) -> T:
    """Raises `BadInput` with the line and the key of the first thing that is wrong."""
    return checked(kind, document.value, document, path)


def checked(kind: type[T], value: Any, document: Document, path: Path, place: tuple[str | int, ...] = ()) -> T:
    """`value` is what stands at `place` in the document."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        told = sorted(error.errors(include_url=False), key=lambda fault: fault["type"] == "missing")  # misspelt, first
        faults = [(fault, _steps(fault, document, place)) for fault in told]
        first = faults[0][1]
        steps = max((found for _, found in faults if found[: len(first)] == first), key=len)
        said = faulty.said([fault for fault, found in faults if found == steps], kind)
        where = ".".join(str(step) for step in steps)
        raise BadInput(f"{said}.", file=str(path), line=document.line(steps), place=where) from error


def _steps(fault: ErrorDetails, document: Document, place: tuple[str | int, ...]) -> list[str | int]:
    """Where it is. Between the keys of a document pydantic names members of unions too."""
    steps: list[str | int] = [*place]
    for step in fault["loc"]:
        if document.holds([*steps, step]):
            steps.append(step)
    return [*steps, fault["loc"][-1]] if fault["type"] == "missing" else steps
