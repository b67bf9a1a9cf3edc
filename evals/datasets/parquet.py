"""Parquet: a row for each sample."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from evals.datasets.arrow import parquet_rows
from evals.datasets.base import DatasetSpec
from evals.datasets.row import Row


class Parquet(DatasetSpec):
    """`path` leads to a file. Labels that Hugging Face's `datasets` keeps as numbers become their names."""

    about: ClassVar[str] = "Parquet, a row for each sample"
    kind: Literal["parquet"] = "parquet"
    path: str

    def rows(self, folder: Path) -> Iterator[Row]:
        return parquet_rows(folder / self.path, self.path)
