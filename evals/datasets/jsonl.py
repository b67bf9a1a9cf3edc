"""JSON Lines: an object on each line; empty lines are passed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import orjson

from evals.datasets.base import MOST_BYTES, DatasetSpec
from evals.datasets.row import Row
from evals.errors import BadInput

MARK = b"\xef\xbb\xbf"
"""What some programs put before UTF-8."""


class JsonLines(DatasetSpec):
    """`path` leads to a file in UTF-8."""

    about: ClassVar[str] = "JSON Lines, an object on each line"
    kind: Literal["jsonl"] = "jsonl"
    path: str

    def rows(self, folder: Path) -> Iterator[Row]:
        return rows_of(folder / self.path, self.path)


def rows_of(file: Path, shown: str) -> Iterator[Row]:
    """Of the file that is `shown` by that name. Raises `BadInput`."""
    try:
        with file.open("rb") as held:
            number = 0
            while line := held.readline(MOST_BYTES + 1):
                number += 1
                if len(line) > MOST_BYTES:
                    raise BadInput(f"{shown}:{number}: a row has more than {MOST_BYTES // 1024 // 1024} MiB.")
                line = line.removeprefix(MARK) if number == 1 else line
                if line.strip():
                    yield row_of(f"{shown}:{number}", line)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error


def row_of(where: str, line: bytes) -> Row:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{where}: {_fault(line, error)}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{where}: a row is an object, as {{…}}.")
    return Row(where, value)


def _fault(line: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        line.decode()
    except UnicodeDecodeError as bad:
        return f"byte {bad.start + 1} is not UTF-8: save the file as UTF-8."
    return f"not JSON: {error.msg} at character {error.pos + 1}."
