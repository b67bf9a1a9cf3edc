"""What people said of answers: what a judge is held against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from evals.digest import sha256
from evals.errors import BadInput
from evals.judges.judge import Judge
from evals.sample import Sample

PREFERRED = {"output": 1.0, "tie": 0.5, "other": 0.0}


class Labelled(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of a file of labels: a question, the answer somebody gave, and whether people call it `right`; or their
    `grade` for it, on the judge's scale (of claims from 0 to 1), of several people the mean; or `better`, which of it
    and an `other` one they prefer."""

    input: str
    output: str
    right: bool | None = None
    grade: float | None = None
    other: str | None = None
    better: Literal["output", "other", "tie"] | None = None
    expected: Any = None
    documents: tuple[str, ...] = ()

    @property
    def sample(self) -> Sample:
        return Sample("", ({"role": "user", "content": self.input},), self.expected, self.documents)


class Held(msgspec.Struct, frozen=True):
    """An answer, and what people call it, from 0 to 1."""

    answer: Labelled
    value: float


def labels(path: Path, judge: Judge) -> list[Held]:
    """Raises `BadInput` with the line of what is no label for such a judge."""
    found = []
    for number, one in _lines(path):
        try:
            found.append(Held(one, _value(one, judge)))
        except ValueError as error:
            raise BadInput(f"no label for this judge: {error}.", file=str(path), line=number) from error
    return found


def digest(path: Path) -> str:
    """Of all that the file says, whatever its layout. Raises `BadInput`."""
    return sha256([msgspec.to_builtins(one) for _, one in _lines(path)])


def _value(one: Labelled, judge: Judge) -> float:
    if judge.asks == "pair":
        if one.other is None or one.better is None:
            raise ValueError('write "other": another answer, and "better": "output", "other" or "tie"')
        return PREFERRED[one.better]
    if judge.asks == "claims":
        if one.grade is None or not 0 <= one.grade <= 1:
            raise ValueError('write "grade": the share of its claims that the documents support, from 0 to 1')
        if not one.documents:
            raise ValueError('write "documents": what the claims are held against')
        return one.grade
    if judge.scale == "yes-no":
        if one.right is None:
            raise ValueError('write "right": true or false')
        return float(one.right)
    if one.grade is None:
        raise ValueError(f'write "grade": a number from {judge.scale.low} to {judge.scale.high}')
    return judge.scale.value(one.grade)


def _lines(path: Path) -> Iterator[tuple[int, Labelled]]:
    """By number."""
    decoder = msgspec.json.Decoder(Labelled)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        yield number, decoder.decode(line)
                    except msgspec.DecodeError as error:
                        raise BadInput(f"no labelled answer: {error}.", file=str(path), line=number) from error
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error
