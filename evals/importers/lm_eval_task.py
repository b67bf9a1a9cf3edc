"""The YAML of a task of lm-eval: what it includes, and its dataset where that lies in files."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evals.errors import BadInput
from evals.importers.base import text_of
from evals.sample import Json

INSTEAD = "run the task with --log_samples, and import the samples_*.jsonl that it writes"
DEEPEST = 20
FILES = {"csv", "json", "parquet"}
SPLITS = ("test_split", "validation_split")
"""The first there is is asked."""
NOT_TEXT = ("doc_to_image", "doc_to_audio", "use_prompt", "custom_dataset")


@dataclass(frozen=True, slots=True)
class Code:
    """`!function module.name`."""

    name: str


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!function", lambda loader, node: Code(str(node.value)))


def read(path: Path) -> Json:
    """Raises `BadInput` for what is no task, and for one that only lm-eval can run."""
    found = _merged(path, 0)
    if "group" in found or isinstance(found.get("task"), list):
        raise BadInput("is a group of tasks: import each of them.", file=str(path))
    kind = found.get("output_type", "generate_until")
    if kind not in ("generate_until", "multiple_choice"):
        raise BadInput(f"scores how likely texts are ({kind}), which needs probabilities, not answers.", file=str(path))
    for key in ("doc_to_text", "doc_to_target"):
        if found.get(key) is None:
            raise BadInput(f"has no {key}.", file=str(path))
    for key in ("doc_to_text", "doc_to_target", "doc_to_choice", "process_docs", "description", "gen_prefix"):
        if isinstance(found.get(key), Code):
            raise BadInput(f"{key} is code, {found[key].name}: {INSTEAD}.", file=str(path))
    for key in NOT_TEXT:
        if found.get(key) is not None:
            raise BadInput(f"{key} has no counterpart here: {INSTEAD}.", file=str(path))
    return found


def _merged(path: Path, depth: int) -> Json:
    """What it includes, laid under it."""
    try:
        held = _loaded(text_of(path))
    except yaml.YAMLError as error:
        raise BadInput(f"is not YAML: {error}", file=str(path)) from error
    if not isinstance(held, dict):
        raise BadInput("is no mapping, as a task of lm-eval is.", file=str(path))
    included = held.pop("include", None)
    if included is None:
        return held
    if depth == DEEPEST:
        raise BadInput(f"files that include each other lie more than {DEEPEST} deep.", file=str(path))
    found: Json = {}
    for name in included if isinstance(included, list) else [included]:
        found.update(_merged(path.parent / str(name), depth + 1))
    return {**found, **held}


def _loaded(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def docs(task: Json, split: str, path: Path) -> list[Json]:
    """The rows of a split. Raises `BadInput` where they lie in no file that is there."""
    kind = task.get("dataset_path")
    if kind not in FILES:
        raise BadInput(
            f"its dataset {str(kind)[:80]!r} is on the Hub, and nothing is fetched: {INSTEAD}.", file=str(path)
        )
    options = task.get("dataset_kwargs") or {}
    held = options.get("data_files")
    files = held if isinstance(held, dict) else {"train": held}
    named = files.get(split) or []
    found = [row for name in ([named] if isinstance(named, str) else named) for row in _rows(kind, name, options, path)]
    if not found:
        raise BadInput(f"dataset_kwargs.data_files names no file with rows for the split {split!r}.", file=str(path))
    return found


def _rows(kind: str, name: Any, options: Json, task: Path) -> list[Json]:
    """`name` is of a file beside the task, or in the folder where lm-eval would be run."""
    places = [task.parent / str(name), Path(str(name))]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise BadInput(f"its dataset {str(name)[:120]} is no file that is there.", file=str(task))
    if kind == "parquet":
        from evals.datasets.arrow import parquet_rows

        return [row.value for row in parquet_rows(path, path.name)]
    text = text_of(path)
    rows = list(csv.DictReader(text.splitlines())) if kind == "csv" else _json(text, options.get("field"), path)
    if not all(isinstance(row, dict) for row in rows):
        raise BadInput("holds rows that are no objects.", file=str(path))
    return rows


def _json(text: str, field: Any, path: Path) -> list[Any]:
    """A list, a list under `field`, or an object a line."""
    try:
        if field is None and text.lstrip()[:1] != "[":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        held = json.loads(text)
        found = held.get(field) if field is not None and isinstance(held, dict) else held
    except ValueError as error:
        raise BadInput(f"is neither JSON nor JSON Lines: {error}.", file=str(path)) from error
    if not isinstance(found, list):
        raise BadInput("holds no list of rows.", file=str(path))
    return found
