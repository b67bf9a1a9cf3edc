"""What a dataset is: how a suite names it, the rows it holds, and the samples they become."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import Field

from evals.digest import sha256
from evals.errors import BadInput
from evals.parts import Part
from evals.sample import Json, Sample

MOST_SAMPLES = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """`where` is for people: a file and a line, or the like."""

    where: str
    value: Json


class DatasetSpec(Part, ABC):
    """As it stands in a suite. `fields` says which column is what, where a column has another name than the part of a
    sample that it is: `{input: question, expected: answer, cluster: article}`. `limit` takes the first so many rows."""

    kind: str
    about: ClassVar[str]
    fields: Mapping[str, str] = {}
    limit: Annotated[int, Field(ge=1, le=MOST_SAMPLES)] | None = None

    @abstractmethod
    def rows(self, folder: Path) -> Iterator[Row]:
        """In their order. Paths are relative to `folder`. Raises `BadInput` naming the place."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """`digest` is of the samples, whatever kind of file they were in, in whatever order they stood."""

    samples: tuple[Sample, ...]
    digest: str


def load(spec: DatasetSpec, folder: Path, slices: Sequence[str] = ()) -> Dataset:
    """`slices` are the columns whose values name parts of the dataset. Raises `BadInput` naming the row."""
    samples: dict[str, Sample] = {}
    for number, row in enumerate(spec.rows(folder)):
        if spec.limit is not None and number >= spec.limit:
            break
        if number >= MOST_SAMPLES:
            raise BadInput(f"the dataset has more than {MOST_SAMPLES:,} rows: give a limit.")
        sample = _sample(row, spec.fields, slices)
        if sample.id in samples:
            raise BadInput(f"{row.where}: the id {sample.id!r} is there twice.")
        samples[sample.id] = sample
    if not samples:
        raise BadInput("the dataset is empty.")
    return Dataset(tuple(samples.values()), digest_of(samples.values()))


def digest_of(samples: Any) -> str:
    return sha256(sorted(sha256(msgspec.to_builtins(sample)) for sample in samples))


KNOWN = ("id", "input", "messages", "expected", "documents", "variables", "tools", "cluster", "slices", "metadata")


def _sample(row: Row, fields: Mapping[str, str], slices: Sequence[str]) -> Sample:
    """Columns that are no part of a sample are its metadata."""
    if unknown := [name for name in fields if name not in KNOWN]:
        raise BadInput(f"fields: a sample has no {unknown[0]!r}; it has {', '.join(KNOWN)}.")
    columns = {fields.get(name, name): name for name in KNOWN}
    parts: Json = {}
    rest: Json = {}
    for column, value in row.value.items():
        if column in columns and value is not None:
            parts[columns[column]] = value
        elif column not in columns:
            rest[column] = value
    for name, column in fields.items():
        if column not in row.value:
            raise BadInput(f"{row.where}: there is no column {column!r}, which fields name as {name}.")
    named = {**parts.pop("slices", {}), **{name: row.value.get(name) for name in slices}}
    made = {
        **parts,
        "id": str(parts.get("id") or sha256(row.value)[:16]),
        "messages": _messages(row, parts),
        "slices": {name: str(value) for name, value in named.items() if value is not None},
        "metadata": {**rest, **parts.get("metadata", {})},
    }
    made.pop("input", None)
    if "cluster" in made:
        made["cluster"] = str(made["cluster"])
    if isinstance(made.get("documents"), str):
        made["documents"] = [made["documents"]]
    try:
        return msgspec.convert(made, Sample)
    except msgspec.ValidationError as error:
        raise BadInput(f"{row.where}: {error}.") from error


def _messages(row: Row, parts: Json) -> list[Json]:
    """`input` is a text of the user's, or chat messages; so are `messages`. Neither is needed where a release's prompt
    is filled from `variables`."""
    given = parts.get("messages", parts.get("input"))
    if given is None:
        if "variables" not in parts:
            raise BadInput(f"{row.where}: there is no input; name the column: fields: {{input: …}}.")
        return []
    if isinstance(given, list):
        if not all(isinstance(message, dict) and isinstance(message.get("role"), str) for message in given):
            raise BadInput(f"{row.where}: messages are a list of {{role, content}}.")
        return given
    return [{"role": "user", "content": str(given)}]
