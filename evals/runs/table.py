"""A run's log as a table: what a million results are summed up and compared by.

The answers themselves stay in the log; the table knows where each begins, and the few that are shown are read there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from evals.classification import Labels
from evals.coded import Coded, Ints, Names
from evals.runs import parquet
from evals.runs.columns import Columns, Floats, of
from evals.runs.log import Header, positions, read_header, read_results, read_samples


@dataclass(frozen=True, slots=True)
class RunTable:
    """`rows` are sorted by sample, as these were to be asked, and repeat. Of each sample that has a row, `ids` tells
    which it is, `clusters` a number that is the same for those of a cluster, and `slices` its parts. `sample` says of
    each row which of them it is about, `first` of each of them its first row."""

    header: Header
    rows: Columns
    ids: Names
    clusters: Ints
    slices: Mapping[str, Coded]
    sample: Ints
    first: Ints

    @classmethod
    def read(cls, folder: Path) -> RunTable:
        """Of a log: from its Parquet file where there is one, else from its lines. Raises `BadInput` where there is no
        log, or it cannot be read."""
        header = read_header(folder)
        columns = parquet.read(folder, header)
        return cls.of(header, columns if columns is not None else _of_lines(folder, header))

    @classmethod
    def of(cls, header: Header, columns: Columns) -> RunTable:
        rows = _sorted(columns)
        begins = np.diff(rows.position, prepend=-1) > 0
        first, sample = np.flatnonzero(begins), np.cumsum(begins) - 1
        codes = rows.clusters.codes[first]
        alone = np.arange(len(first)) + len(rows.clusters.names)
        return cls(
            header=header,
            rows=rows,
            ids=rows.ids[first],
            clusters=np.where(codes < 0, alone, codes),
            slices={name: one.at(first) for name, one in rows.slices.items()},
            sample=sample,
            first=first,
        )

    def means(self, values: Floats) -> tuple[Floats, Ints]:
        """Of the values of rows, the mean of each sample's repeats, NaN where none has one, and how many have."""
        held = ~np.isnan(values)
        counts = np.bincount(self.sample[held], minlength=len(self.ids))
        sums = np.bincount(self.sample[held], weights=values[held], minlength=len(self.ids))
        means = np.full(len(self.ids), np.nan)
        np.divide(sums, counts, out=means, where=counts > 0)
        return means, counts

    def whole(self, values: Floats) -> Floats:
        """The means of the samples all of whose repeats have a value; NaN of the others."""
        means, counts = self.means(values)
        return np.where(counts == self.header.repeats, means, np.nan)

    def answered(self, sample: int) -> int:
        """The first row of a sample that is an answer. Raises `ValueError` where there is none."""
        begin = int(self.first[sample])
        end = int(np.searchsorted(self.sample, sample, side="right"))
        errors: list[int] = self.rows.errors.codes[begin:end].tolist()
        return begin + errors.index(-1)


def _of_lines(folder: Path, header: Header) -> Columns:
    held = of(header, read_samples(folder), read_results(folder))
    lines = np.array(list(positions(folder / "results.jsonl")), dtype=np.int64)
    asked = np.array(list(positions(folder / "samples.jsonl")), dtype=np.int64)
    return replace(held, lines=lines[held.lines], asked=asked[held.asked])


def _sorted(columns: Columns) -> Columns:
    """By sample and repeat; as they came where both are the same."""
    place = (columns.position.astype(np.int64) << 32) + columns.repeat
    if not np.any(place[1:] < place[:-1]):
        return columns
    order = np.argsort(place, kind="stable")
    return replace(columns, **{one.name: _at(getattr(columns, one.name), order) for one in fields(columns)})


def _at(value: Any, order: Ints) -> Any:
    """A column, or columns by name, in that order."""
    match value:
        case np.ndarray():
            return value[order]
        case Coded() | Labels():
            return value.at(order)
        case Mapping():
            return {name: _at(one, order) for name, one in value.items()}
    return value
