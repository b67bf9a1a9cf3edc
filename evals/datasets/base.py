"""What a dataset is: how a suite names it, and how it is loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
from pydantic import Field, field_validator

from evals.datasets.row import COLUMNS, Row, names_itself, sample_of
from evals.digest import sha256
from evals.errors import BadInput
from evals.faults import near
from evals.parts import Part
from evals.sample import Sample

MOST_SAMPLES = 1_000_000
MOST_BYTES = 16 * 1024 * 1024
"""Of one row, as far as a kind of file has rows that could be longer."""


class DatasetSpec(Part, ABC):
    """As it stands in a suite. `fields` says which column is what, where a column has another name than the part of a
    sample that it is: `{input: question, expected: answer, cluster: article}`. `limit` takes the first so many rows."""

    kind: str
    about: ClassVar[str]
    fields: Mapping[str, str] = {}
    limit: Annotated[int, Field(ge=1, le=MOST_SAMPLES)] | None = None

    @field_validator("fields")
    @classmethod
    def _of_samples(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if unknown := [name for name in value if name not in COLUMNS]:
            raise ValueError(f"a sample has no {unknown[0]!r}; {near(unknown[0], COLUMNS)}")
        return value

    @abstractmethod
    def rows(self, folder: Path) -> Iterator[Row]:
        """In their order. Paths are relative to `folder`. Raises `BadInput` naming the place."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """`digest` is of the samples, whatever kind of file they were in, in whatever order they stood."""

    samples: tuple[Sample, ...]
    digest: str


def load(spec: DatasetSpec, folder: Path, slices: Mapping[str, str] | None = None) -> Dataset:
    """`slices` says, by name, which columns have values that are parts of the dataset. Raises `BadInput` naming the
    row."""
    samples: dict[str, Sample] = {}
    for number, row in enumerate(islice(spec.rows(folder), spec.limit)):
        if number >= MOST_SAMPLES:
            raise BadInput(f"the dataset has more than {MOST_SAMPLES:,} rows: give a limit.")
        sample = sample_of(row, spec.fields, slices or {})
        if sample.id in samples:
            how = "give it another" if names_itself(row, spec.fields) else "two rows are the same: give each an id"
            raise BadInput(f"{row.where}: the id {sample.id!r} is there twice; {how}.")
        samples[sample.id] = sample
    if not samples:
        raise BadInput("the dataset is empty: it needs a row at least.")
    return Dataset(tuple(samples.values()), digest_of(samples.values()))


def digest_of(samples: Iterable[Sample]) -> str:
    return sha256(sorted(sha256(msgspec.to_builtins(sample)) for sample in samples))
