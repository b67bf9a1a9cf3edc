"""A row of a dataset, and how it becomes a sample."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from evals.digest import sha256
from evals.errors import BadInput
from evals.faults import FORMS
from evals.sample import Json, Sample

LONGEST_NAME = 200
"""Characters of an id, a cluster and the value of a slice: evidence takes no longer ones, nor other slices."""
SLICE = re.compile(r"^[a-z][a-z0-9_.-]{0,63}$")
MOST_SLICES = 20

COLUMNS: Mapping[str, str] = {
    "id": "a name of its own; without one, a digest of the row",
    "input": "what the user says, or chat messages",
    "messages": "the same as input",
    "expected": "what scorers compare the answer with",
    "documents": "texts that the answer is to stand on",
    "variables": "what fills the prompt of a release",
    "tools": "tools that may be called, as in OpenAI's API",
    "cluster": "what the sample shares with others: a conversation, a document, a customer",
    "slices": "parts of the dataset that it belongs to, by name",
    "metadata": "whatever else there is; columns of other names are metadata too",
}


@dataclass(frozen=True, slots=True)
class Row:
    """`where` is for people: a file and a line, or the like."""

    where: str
    value: Json


def names_itself(row: Row, fields: Mapping[str, str]) -> bool:
    return row.value.get(fields.get("id", "id")) is not None


def sample_of(row: Row, fields: Mapping[str, str], slices: Mapping[str, str]) -> Sample:
    """Columns that are no part of a sample are its metadata. `slices` says in which column each is. Raises `BadInput`
    naming the row."""
    parts, rest = _parted(row, fields)
    digest = _digest(row)
    by_column = {name: row.value[column] for name, column in slices.items() if row.value.get(column) is not None}
    named = {**parts.get("slices", {}), **by_column}
    documents = parts.get("documents", [])
    made: Json = {
        "id": str(parts["id"]) if "id" in parts else digest[:16],
        "messages": _messages(row, parts),
        "documents": [documents] if isinstance(documents, str) else documents,
        "cluster": str(parts["cluster"]) if "cluster" in parts else None,
        "slices": {name: str(value) for name, value in named.items() if value is not None},
        "metadata": {**rest, **parts.get("metadata", {})},
        **{name: parts[name] for name in ("expected", "tools", "variables") if name in parts},
    }
    try:
        sample = msgspec.convert(made, Sample)
    except msgspec.ValidationError as error:
        raise BadInput(f"{row.where}: {error}.") from error
    for name, text in (("id", sample.id), ("cluster", sample.cluster), *sample.slices.items()):
        if text is not None and not 0 < len(text) <= LONGEST_NAME:
            raise BadInput(f"{row.where}: {name} has {len(text)} characters, and may have 1 to {LONGEST_NAME}.")
    if odd := [name for name in sample.slices if not SLICE.fullmatch(name)]:
        raise BadInput(f"{row.where}: the slice {odd[0][:80]!r}: {FORMS[SLICE.pattern]}.")
    if len(sample.slices) > MOST_SLICES:
        raise BadInput(f"{row.where}: there are {len(sample.slices)} slices, and may be {MOST_SLICES}.")
    return sample


def _digest(row: Row) -> str:
    try:
        return sha256(row.value)
    except TypeError as error:  # of values from JSON, those nested in hundreds of others
        raise BadInput(f"{row.where}: it cannot be written as JSON: {error}.") from error


def _parted(row: Row, fields: Mapping[str, str]) -> tuple[Json, Json]:
    """The parts of a sample that the row has, and its other columns."""
    for name, column in fields.items():
        if column not in row.value:
            message = f"there is no column {column!r}, which fields names as {name}; there are {_there(row)}."
            raise BadInput(f"{row.where}: {message}")
    columns = {name: fields.get(name, name) for name in COLUMNS}
    parts = {name: row.value[column] for name, column in columns.items() if row.value.get(column) is not None}
    for name in ("slices", "metadata", "variables"):
        if not isinstance(parts.get(name, {}), dict):
            raise BadInput(f"{row.where}: {name} is a mapping, as {{name: value}}.")
    taken = set(columns.values())
    return parts, {column: value for column, value in row.value.items() if column not in taken}


def _messages(row: Row, parts: Json) -> list[Json]:
    """`input` is a text of the user's, or chat messages; so are `messages`. Neither is needed where a release's prompt
    is filled from `variables`."""
    given = parts.get("messages", parts.get("input"))
    if given is None:
        if "variables" not in parts:
            message = "there is no input; name its column, fields: {input: …}, one of"
            raise BadInput(f"{row.where}: {message} {_there(row)}.")
        return []
    if isinstance(given, list):
        if not all(isinstance(message, dict) and isinstance(message.get("role"), str) for message in given):
            raise BadInput(f"{row.where}: messages are a list of {{role, content}}.")
        return given
    return [{"role": "user", "content": given if isinstance(given, str) else str(given)}]


def _there(row: Row) -> str:
    return ", ".join(sorted(row.value)[:20])
