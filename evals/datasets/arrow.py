"""Tables of Arrow's, in Parquet files and in the Arrow files that Hugging Face's `datasets` saves, as rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from evals.datasets.row import Row
from evals.errors import BadInput, Missing

BATCH = 512
"""Rows that are in memory as columns."""


def parquet_rows(file: Path, shown: str) -> Iterator[Row]:
    """Raises `BadInput`, `Missing`."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise Missing.extra("pyarrow", "evals") from error
    try:
        with file.open("rb") as opened, closing(pq.ParquetFile(opened)) as held:
            yield from _rows(held.iter_batches(BATCH), held.schema_arrow, shown)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror or error}.") from error
    except pa.ArrowException as error:
        raise BadInput(f"{file} is not Parquet that can be read: {error}.") from error


def arrow_rows(file: Path, shown: str) -> Iterator[Row]:
    """Of a stream of Arrow's. Raises `BadInput`, `Missing`."""
    try:
        import pyarrow as pa
        import pyarrow.ipc as ipc
    except ImportError as error:
        raise Missing.extra("pyarrow", "evals") from error
    try:
        with file.open("rb") as opened, ipc.open_stream(opened) as held:
            yield from _rows(held, held.schema, shown)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror or error}.") from error
    except pa.ArrowException as error:
        raise BadInput(f"{file} is not an Arrow file that can be read: {error}.") from error


def _rows(batches: Any, schema: Any, shown: str) -> Iterator[Row]:
    names = _label_names(schema)
    number = 0
    for batch in batches:
        for value in batch.to_pylist():
            number += 1
            where = f"{shown}: row {number}"
            yield Row(
                where, {name: _labelled(_json(held, where, name), names.get(name)) for name, held in value.items()}
            )


def _label_names(schema: Any) -> Mapping[str, list[str]]:
    """The names of labels that `datasets` keeps as numbers (`ClassLabel`), by column."""
    held = (schema.metadata or {}).get(b"huggingface")
    if held is None:
        return {}
    try:
        features = orjson.loads(held)["info"]["features"]
        return {name: one["names"] for name, one in features.items() if one.get("_type") == "ClassLabel"}
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return {}


def _labelled(value: Any, names: list[str] | None) -> Any:
    return names[value] if names is not None and isinstance(value, int) and 0 <= value < len(names) else value


def _json(value: Any, where: str, column: str) -> Any:
    """What a cell holds, as JSON has it: moments as ISO 8601, decimals as texts; what is no number is None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, dict):
        return {str(name): _json(held, where, column) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_json(held, where, column) for held in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise BadInput(
        f"{where}: the column {column!r} holds {type(value).__name__}, and samples are of texts and numbers."
    )
