"""CSV: a header, and a row for each sample; quoted cells may hold commas and lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import orjson
from pydantic import Field

from evals.datasets.base import MOST_BYTES, DatasetSpec
from evals.datasets.jsonl import MARK
from evals.datasets.row import Row
from evals.errors import BadInput
from evals.sample import Json

STRUCTURED = ("messages", "metadata", "slices", "tools", "variables")
"""Parts of a sample that are no text, whose cells hold JSON."""


class Csv(DatasetSpec):
    """`path` leads to a file in UTF-8 whose first line names the columns; an empty cell is one that is not there. Cells
    are texts, set apart by `delimiter`. Those of `messages`, `tools`, `variables`, `slices`, `metadata` and of the
    columns that `json` names hold JSON."""

    about: ClassVar[str] = "CSV, a header and a row for each sample"
    kind: Literal["csv"] = "csv"
    path: str
    delimiter: str = Field(",", min_length=1, max_length=1)
    json_columns: tuple[str, ...] = Field((), alias="json")

    def rows(self, folder: Path) -> Iterator[Row]:
        structured = {*self.json_columns, *(self.fields.get(name, name) for name in STRUCTURED)}
        for row in rows_of(folder / self.path, self.path, self.delimiter):
            yield Row(row.where, {name: _cell(row, name, name in structured) for name in row.value})


def rows_of(file: Path, shown: str, delimiter: str = ",") -> Iterator[Row]:
    """Of the file that is `shown` by that name; cells are texts, or None. Raises `BadInput`."""
    try:
        with file.open("rb") as held:
            csv.field_size_limit(MOST_BYTES)  # the module's own, of 128 KiB, is less than a long document
            reader = csv.reader(_lines(held, shown), delimiter=delimiter, strict=True)
            yield from _rows(reader, shown)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error


def _rows(reader: Iterator[list[str]], shown: str) -> Iterator[Row]:
    header: Sequence[str] | None = None
    end = 0
    while True:
        where = f"{shown}:{end + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise BadInput(f"{where}: not CSV: {error}.") from error
        if cells is None:
            return
        end = reader.line_num  # type: ignore[attr-defined]
        if header is None:
            header = cells
            if twice := [name for name in header if header.count(name) > 1]:
                raise BadInput(f"{where}: two columns are called {twice[0]!r}.")
        elif cells:
            if len(cells) != len(header):
                raise BadInput(f"{where}: {len(cells)} cells, and the header names {len(header)} columns.")
            yield Row(where, {name: cell or None for name, cell in zip(header, cells, strict=True)})


def _lines(held: Iterator[bytes], shown: str) -> Iterator[str]:
    for number, line in enumerate(held, 1):
        try:
            yield (line.removeprefix(MARK) if number == 1 else line).decode()
        except UnicodeDecodeError as error:
            message = f"byte {error.start + 1} is not UTF-8: save the file as UTF-8."
            raise BadInput(f"{shown}:{number}: {message}") from error


def _cell(row: Row, name: str, structured: bool) -> Json | str | None:
    text: str | None = row.value[name]
    if not structured or text is None:
        return text
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{row.where}: the cell of {name!r} is not JSON: {error.msg}.") from error
    return value
