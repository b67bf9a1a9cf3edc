"""JSON Lines: an object on each line; empty lines are passed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import orjson

from evals.datasets.base import DatasetSpec, Row
from evals.errors import BadInput


class JsonLines(DatasetSpec):
    about: ClassVar[str] = "JSON Lines, an object on each line"
    kind: Literal["jsonl"] = "jsonl"
    path: str

    def rows(self, folder: Path) -> Iterator[Row]:
        file = folder / self.path
        try:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield _row(f"{self.path}:{number}", line)
        except OSError as error:
            raise BadInput(f"{file} cannot be read: {error.strerror}.") from error


def _row(where: str, line: bytes) -> Row:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{where}: not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise BadInput(f"{where}: not an object.")
    return Row(where, value)
