"""How what people write in YAML becomes frozen values: by pydantic, with the file and the line of what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

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
    if len(found) != 1:
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
        fault = error.errors(include_url=False)[0]
        steps = [*place, *fault["loc"]]
        while steps and not document.holds(steps) and fault["type"] != "missing":
            steps.pop()  # pydantic names members of unions too
        said = fault["msg"].removeprefix("Value error, ")
        raise BadInput(
            f"{said}.", file=str(path), line=document.line(steps), place=".".join(str(step) for step in steps)
        ) from error
