"""What was measured elsewhere: a survey, a ledger, a stop-watch. With its source and its date, in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from evals import parts
from evals.datasets.delimited import rows_of
from evals.digest import sha256
from evals.errors import BadInput
from evals.evaluation.plan import Number
from evals.parts import Part
from evals.suite import Name

Text = Annotated[str, Field(min_length=1, max_length=500)]


class Measurement(Part):
    """From which `source`, on what `date`. Either a `column` of the CSV `file`, of which the mean counts, its rows in
    clusters by the column `cluster`; or a `value`, which lies between `low` and `high` at 95 %, and is taken to be
    exact where they are not given."""

    source: Text
    date: Date
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    file: str | None = None
    column: str | None = None
    cluster: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Measurement:
        if (self.value is None) == (self.file is None):
            raise ValueError("give a value, or a file with a column: one of them")
        if (self.file is None) != (self.column is None):
            raise ValueError("a file takes a column, and a column a file")
        if (self.low is None) != (self.high is None) or (self.low is not None and self.value is None):
            raise ValueError("low and high go with a value, and together")
        if self.low is not None and not self.low <= (self.value or 0.0) <= (self.high or 0.0):
            raise ValueError("the value lies between low and high")
        return self


class MeasurementsFile(Part):
    """`measurements`, by the names that the plan has for them."""

    measurements: Annotated[Mapping[Name, Measurement], Field(max_length=200)]


@dataclass(frozen=True, slots=True)
class Values:
    """Of each row of a file, and its cluster."""

    values: tuple[float, ...]
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measurements:
    """Read; `digest` is of all that was read, the rows of files too."""

    found: Mapping[str, Measurement]
    rows: Mapping[str, Values]
    digest: str


def read(path: Path) -> Measurements:
    """Raises `BadInput` with the file and the line of what is wrong."""
    document = parts.load(path)
    file = parts.parse(MeasurementsFile, document, path)
    rows = {}
    for name, one in file.measurements.items():
        if one.file is not None:
            try:
                rows[name] = _rows(one, path.parent)
            except BadInput as error:
                place = ("measurements", name, "file")
                raise BadInput(
                    error.message, file=str(path), line=document.line(place), place=".".join(place)
                ) from error
    read_in = {name: [list(held.values), list(held.clusters)] for name, held in rows.items()}
    return Measurements(file.measurements, rows, sha256([file.model_dump(mode="json"), read_in]))


def _rows(one: Measurement, folder: Path) -> Values:
    assert one.file is not None
    assert one.column is not None
    values, clusters = [], []
    for number, row in enumerate(rows_of(folder / one.file, one.file)):
        for column in filter(None, (one.column, one.cluster)):
            if column not in row.value:
                raise BadInput(f"{row.where}: there is no column {column!r}.")
        values.append(_number(row.value[one.column], row.where, one.column))
        clusters.append(f"row:{number}" if one.cluster is None else str(row.value[one.cluster]))
    if len(values) < 2:
        raise BadInput(f"{one.file} has {len(values)} rows: an interval takes two at least.")
    return Values(tuple(values), tuple(clusters))


def _number(cell: object, where: str, column: str) -> float:
    try:
        value = float(str(cell))
    except ValueError:
        raise BadInput(f"{where}: the cell of {column!r} is no number.") from None
    if not abs(value) <= 1e15:
        raise BadInput(f"{where}: the cell of {column!r} is no number of a size that can be counted with.")
    return value
