"""Datasets as Hugging Face has them: a folder on this machine, or a name on the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal, Self

import orjson
from pydantic import Field, model_validator

from evals.datasets import delimited, jsonl
from evals.datasets.arrow import arrow_rows, parquet_rows
from evals.datasets.base import DatasetSpec
from evals.datasets.layout import READ, files_of
from evals.datasets.row import Row
from evals.errors import BadInput, Missing

LARGEST = 1024 * 1024 * 1024
"""Bytes of a file that is one JSON list, which is read as a whole."""


class HuggingFace(DatasetSpec):
    """`path` leads to a folder: a repository as on the Hub, or what `save_to_disk` wrote. Or `name` is that of a
    dataset on the Hub, of which `revision` (a commit, a tag) is fetched, or what was fetched before where the Hub
    cannot be reached; programs that a dataset brings are not run.

    `config` and `split` choose, where there are several. Labels kept as numbers become their names."""

    about: ClassVar[str] = "a dataset of Hugging Face's, in a folder or on the Hub"
    kind: Literal["huggingface"] = "huggingface"
    path: str | None = None
    name: str | None = Field(None, pattern=r"^[\w.-]+(/[\w.-]+)?$")
    revision: str = Field("main", pattern=r"^[\w./-]+$")
    config: str | None = None
    split: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.path is None) == (self.name is None):
            raise ValueError("give either path, a folder, or name, a dataset on the Hub")
        return self

    def rows(self, folder: Path) -> Iterator[Row]:
        root = folder / self.path if self.path is not None else fetched(str(self.name), self.revision)
        files = {split: found for split, found in files_of(root, self.config).items() if found}
        if not files:
            raise BadInput(f"{root} has no file that can be read: there should be some of {', '.join(READ)}.")
        split = self.split or (next(iter(files)) if len(files) == 1 else None)
        if split is None:
            raise BadInput(f"{root} has several splits: write split: one of {', '.join(files)}.")
        if split not in files:
            raise BadInput(f"{root} has no split {split!r}: it has {', '.join(files)}.")
        for file in files[split]:
            yield from _rows(file, file.relative_to(root).as_posix())


def fetched(name: str, revision: str) -> Path:
    """The folder of a dataset of the Hub's, in the cache that `huggingface_hub` keeps. Raises `BadInput`, `Missing`."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError as error:
        raise Missing.extra("huggingface-hub", "evals") from error
    patterns = ["README.md", *(f"*{suffix}" for suffix in READ)]
    try:
        return Path(snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=patterns))
    except LocalEntryNotFoundError as error:
        message = f"The Hub cannot be reached, and {name} at {revision} was not fetched before."
        raise BadInput(f"{message} Fetch it elsewhere, and give its folder as path.") from error
    except OSError as error:
        raise BadInput(f"{name} at {revision} cannot be fetched from the Hub: {error}.") from error


def _rows(file: Path, shown: str) -> Iterator[Row]:
    match file.suffix.lower():
        case ".parquet":
            return parquet_rows(file, shown)
        case ".arrow":
            return arrow_rows(file, shown)
        case ".csv":
            return delimited.rows_of(file, shown)
        case ".tsv":
            return delimited.rows_of(file, shown, "\t")
        case ".json":
            return _json_rows(file, shown)
        case ".jsonl" | ".ndjson":
            return jsonl.rows_of(file, shown)
    raise BadInput(f"{shown}: files of this kind are not read; of {', '.join(READ)} they are.")


def _json_rows(file: Path, shown: str) -> Iterator[Row]:
    """A list of objects, or JSON Lines by another name."""
    try:
        with file.open("rb") as held:
            listed = held.read(64).lstrip(jsonl.MARK).lstrip().startswith(b"[")
        if not listed:
            yield from jsonl.rows_of(file, shown)
            return
        if file.stat().st_size > LARGEST:
            raise BadInput(f"{shown} is one list of more than 1 GiB: write it as JSON Lines.")
        rows = orjson.loads(file.read_bytes().removeprefix(jsonl.MARK))
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{shown}: not JSON: {error}.") from error
    for number, value in enumerate(rows, 1):
        if not isinstance(value, dict):
            raise BadInput(f"{shown}: row {number}: a row is an object, as {{…}}.")
        yield Row(f"{shown}: row {number}", value)
