"""A run's results as a Parquet file beside its log, a row for each: for DuckDB, pandas and whatever else reads columns,
and for reports, which read a million rows of it in the time that their lines take to be looked at.

It is made of the log when a run ends, and stands for it only as long as the log is as it was. Without pyarrow there is
none, and the log is read by its lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from evals.classification import Labels
from evals.coded import Coded, names
from evals.runs.columns import Columns, Floats, label_of, missing, scoring_of, value_of
from evals.runs.log import TABLE, Header, positions, read_header, read_results, read_samples, results_at
from evals.sample import Json, Result, Sample, Usage

LOG = b"sluice.log"
"""The key in the file's metadata of the form that it has, and of how long results.jsonl was: another log is another."""
LABEL = ("expected", "answered", "probability")
BATCH = 20_000
"""Rows that are in memory at once, and in a group of the file."""


def write(folder: Path) -> None:
    """Whole or not at all: nothing where pyarrow is not installed, the disk is full, or a number is larger than a
    column holds, as the log has all of it."""
    if find_spec("pyarrow") is None:
        return
    new = folder / f"{TABLE}.new"
    try:
        _write(folder, new)
        new.replace(folder / TABLE)
    except (OSError, ValueError, OverflowError):  # Arrow's are ValueErrors: a number that no column holds
        with suppress(OSError):
            new.unlink(missing_ok=True)


def read(folder: Path, header: Header) -> Columns | None:
    """None where there is no such file, none that is of the log as it is, or no pyarrow to read it."""
    path = folder / TABLE
    if not path.is_file() or find_spec("pyarrow") is None:
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=True, read_dictionary=["cluster", "error"]) as held:
            return _columns(held, header) if held.metadata.metadata.get(LOG) == _state(folder) else None
    except (OSError, pa.ArrowInvalid):  # it is not whole: the log is
        return None


def _state(folder: Path) -> bytes:
    return f"1 {(folder / 'results.jsonl').stat().st_size}".encode()


def _write(folder: Path, new: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    header = read_header(folder)
    schema = _schema(header).with_metadata({LOG: _state(folder)})
    with pq.ParquetWriter(new, schema, compression="zstd") as writer:
        batch: list[Json] = []
        for row in _rows(folder, header):
            batch.append(row)
            if len(batch) == BATCH:
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema))
                batch.clear()
        writer.write_batch(pa.RecordBatch.from_pylist(batch, schema))


def _schema(header: Header) -> Any:
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    fields = {"sample": text, "position": pa.int32(), "repeat": pa.int32(), "cluster": text}
    if header.slices:
        fields["slices"] = pa.struct([(name, text) for name in header.slices])
    fields |= {"question": text, "expected": text, "answer": text, "error": text, "model": text, "at": real}
    fields["scores"] = pa.struct([(metric.name, real) for metric in header.metrics])
    fields["reasons"] = pa.struct([(metric.name, text) for metric in header.metrics])
    labels = [metric.name for metric in header.metrics if metric.kind == "label"]
    if labels:
        one = pa.struct(list(zip(LABEL, (text, text, real), strict=True)))
        fields["labels"] = pa.struct([(name, one) for name in labels])
    fields |= {"seconds": real, "first_token": real, "reused": pa.bool_()}
    fields |= {"input_tokens": whole, "output_tokens": whole, "cost": whole}
    fields["scoring"] = pa.struct([("input_tokens", whole), ("output_tokens", whole), ("cost", whole)])
    fields |= {"line": whole, "asked": whole}
    return pa.schema(list(fields.items()))


def _rows(folder: Path, header: Header) -> Iterator[Json]:
    """By sample, in the order in which they were to be asked, and repeat: a table is read as it is then."""
    begins = positions(folder / "samples.jsonl")
    samples = {
        sample.id: (sample, {"position": at, "asked": begin})
        for at, (sample, begin) in enumerate(zip(read_samples(folder), begins, strict=False))
    }
    lines = zip(read_results(folder), positions(folder / "results.jsonl"), strict=False)
    known = ((result, line) for result, line in lines if result.sample in samples)
    order = sorted((samples[result.sample][1]["position"], result.repeat, line) for result, line in known)
    found = results_at(folder, [line for *_, line in order])
    for result, (_, _, line) in zip(found, order, strict=True):
        sample, places = samples[result.sample]
        yield {**places, "line": line, **_of_sample(sample), **_of_result(result, header)}


def _of_sample(sample: Sample) -> Json:
    wanted = sample.expected
    return {
        "sample": sample.id,
        "cluster": sample.cluster,
        "slices": sample.slices,
        "question": sample.question or orjson.dumps(sample.variables).decode(),
        "expected": wanted if wanted is None or isinstance(wanted, str) else orjson.dumps(wanted).decode(),
    }


def _of_result(result: Result, header: Header) -> Json:
    metrics = [metric.name for metric in header.metrics]
    labels = [metric.name for metric in header.metrics if metric.kind == "label"]
    output = result.output
    scoring = scoring_of(result)
    row: Json = {
        "repeat": result.repeat,
        "at": result.at,
        "error": result.error,
        "scores": {name: value_of(result, name) for name in metrics},
        "reasons": {name: _reason(result, name) for name in metrics},
        "labels": {name: dict(zip(LABEL, label_of(result, name), strict=True)) for name in labels},
        "scoring": {name: getattr(scoring, name) for name in ("input_tokens", "output_tokens", "cost")},
        "reused": output is not None and output.reused,
    }
    if output is None:
        return row
    used = {name: getattr(output.usage, name) for name in ("input_tokens", "output_tokens", "cost")}
    said = {"answer": output.text, "model": output.model}
    return {**row, **said, **used, "seconds": output.seconds, "first_token": output.first_token}


def _reason(result: Result, metric: str) -> str | None:
    """Why the value is what it is, or why there is none."""
    if (why := missing(result, metric)) is not None:
        return why
    return result.scores[metric].reason or None


def _columns(held: Any, header: Header) -> Columns:
    """A column at a time: what is read is twice in memory until it is made an array."""
    scores = {name: _floats(one) for name, one in _parts(held, "scores").items()}
    errors, costs = _coded(_column(held, "error")), _floats(_column(held, "cost"))
    return Columns(
        ids=_column(held, "sample").to_numpy(),
        position=_column(held, "position").to_numpy(),
        repeat=_column(held, "repeat").to_numpy(),
        clusters=_coded(_column(held, "cluster")),
        slices={name: _coded(one) for name, one in _parts(held, "slices").items()},
        scores=scores,
        reasons={name: _reasons(held, name, values) for name, values in scores.items()},
        errors=errors,
        seconds=_floats(_column(held, "seconds")),
        first_token=_floats(_column(held, "first_token")),
        costs=costs,
        at=_floats(_column(held, "at")),
        reused=_column(held, "reused").to_numpy(),
        labels={name: _labels(one) for name, one in _parts(held, "labels").items()},
        used=_used(held, costs, errors),
        lines=_column(held, "line").to_numpy(),
        asked=_column(held, "asked").to_numpy(),
    )


def _column(held: Any, name: str) -> Any:
    return held.read(columns=[name])[name]


def _parts(held: Any, name: str, part: str = "") -> dict[str, Any]:
    """The columns of a struct, by name, or of them the one; none where the file lacks it."""
    if name not in held.schema_arrow.names:
        return {}
    column = held.read(columns=[f"{name}.{part}" if part else name])[name]
    return {field.name: one for field, one in zip(column.type, column.flatten(), strict=True)}


def _floats(column: Any) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _coded(column: Any) -> Coded:
    import pyarrow as pa

    held = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    array = held.unify_dictionaries().combine_chunks()
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return Coded(array.dictionary.to_numpy(zero_copy_only=False), codes)


def _labels(column: Any) -> Labels:
    expected, answered, probability = column.flatten()
    return Labels(_coded(expected), _coded(answered), _floats(probability))


def _reasons(held: Any, metric: str, values: Floats) -> Coded:
    """For what has no value: the file is not read for the others."""
    lacking = np.isnan(values)
    if not lacking.any():
        return Coded(names(()), np.full(len(values), -1, dtype=np.int32))
    found = _coded(_parts(held, "reasons", metric)[metric])
    return Coded(found.names, np.where(lacking, found.codes, np.int32(-1)))


def _used(held: Any, costs: Floats, errors: Coded) -> Usage:
    """Costs are not known where an answer has none."""
    scoring = {name: _floats(one) for name, one in _parts(held, "scoring").items()}
    tokens = {name: _floats(_column(held, name)) for name in ("input_tokens", "output_tokens")}
    answers = costs[errors.codes < 0]
    known = not (np.isnan(answers).any() or np.isnan(scoring["cost"]).any())
    return Usage(
        **{name: int(np.nansum(one) + np.nansum(scoring[name])) for name, one in tokens.items()},
        cost=int(answers.sum() + scoring["cost"].sum()) if known else None,
    )
