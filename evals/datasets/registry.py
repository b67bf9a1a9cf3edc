"""The kinds of dataset there are, and which one a bare path means."""

from __future__ import annotations

from collections.abc import Mapping

from evals import loading
from evals.datasets.base import DatasetSpec
from evals.errors import BadInput
from evals.faults import near

BUILT_IN: Mapping[str, str] = {
    "calls": "evals.datasets.calls:Calls",
    "csv": "evals.datasets.delimited:Csv",
    "huggingface": "evals.datasets.huggingface:HuggingFace",
    "jsonl": "evals.datasets.jsonl:JsonLines",
    "parquet": "evals.datasets.parquet:Parquet",
}

SUFFIXES: Mapping[str, dict[str, str]] = {
    ".csv": {"kind": "csv"},
    ".jsonl": {"kind": "jsonl"},
    ".ndjson": {"kind": "jsonl"},
    ".parquet": {"kind": "parquet"},
    ".tsv": {"kind": "csv", "delimiter": "\t"},
}


def find(kind: str) -> type[DatasetSpec]:
    """Raises `BadInput` for a kind that there is not."""
    if kind not in BUILT_IN:
        raise BadInput(f"there is no kind of dataset {kind[:80]!r}; {near(kind, BUILT_IN)}.")
    found: type[DatasetSpec] = loading.load(BUILT_IN, kind)
    return found


def of_path(path: str) -> dict[str, str]:
    """A path alone, as the spec that it stands for."""
    for suffix, spec in SUFFIXES.items():
        if path.lower().endswith(suffix):
            return {**spec, "path": path}
    known = ", ".join(SUFFIXES)
    raise BadInput(
        f"what {path[:200]!r} is cannot be told, its name ends in none of {known}: write {{kind: …, path: …}}."
    )
