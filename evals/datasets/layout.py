"""The folders that Hugging Face's datasets come in: which files hold which split.

Two of them: a repository as on the Hub, whose README.md may list files by split (`configs`), or whose files are named
after their split; and what `save_to_disk` writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import yaml

from evals.errors import BadInput
from evals.strict_yaml import documents

READ = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")
MOST_FILES = 10_000
HEADER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*$", re.MULTILINE | re.DOTALL)
SHARD = re.compile(r"^(?P<split>[\w.]+?)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?$")
SPLITS: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""The words by which the files of a split are known."""

Files = dict[str, list[Path]]
"""By split, in order."""


def files_of(folder: Path, config: str | None) -> Files:
    """Raises `BadInput` where there is nothing, and where `config` is not among several."""
    if (folder / "dataset_dict.json").is_file():
        return {split: _saved(folder / split) for split in _json(folder / "dataset_dict.json")["splits"]}
    if (folder / "state.json").is_file():
        return {"train": _saved(folder)}
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder: give the path of a dataset's folder, or its name on the Hub as name.")
    configs = _configs(folder)
    if not configs:
        return _by_name(folder)
    chosen = config or next((name for name in configs if name == "default"), None) or next(iter(configs))
    if config is None and len(configs) > 1 and "default" not in configs:
        raise BadInput(f"{folder} has several configurations: write config: one of {', '.join(configs)}.")
    if chosen not in configs:
        raise BadInput(f"{folder} has no configuration {chosen!r}: it has {', '.join(configs)}.")
    return {split: _matching(folder, patterns) for split, patterns in configs[chosen].items()}


def _saved(folder: Path) -> list[Path]:
    """What `save_to_disk` wrote."""
    try:
        return [folder / one["filename"] for one in _json(folder / "state.json")["_data_files"]]
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'state.json'} is not what save_to_disk writes.") from error


def _configs(folder: Path) -> dict[str, dict[str, list[str]]]:
    """Patterns of files by split, by configuration, as the README says; none where it says nothing."""
    readme = folder / "README.md"
    if not readme.is_file():
        return {}
    found = HEADER.match(readme.read_text(encoding="utf-8", errors="replace"))
    try:
        held = documents(found[1]) if found is not None else []
    except yaml.YAMLError as error:
        raise BadInput(f"{readme}: its header is not YAML: {error}.") from error
    listed = held[0].get("configs") if held and isinstance(held[0], dict) else None
    try:
        return {
            str(one.get("config_name", "default")): _patterns(one["data_files"])
            for one in listed or ()
            if "data_files" in one
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{readme}: configs is a list of {{config_name, data_files}}.") from error


def _patterns(data_files: Any) -> dict[str, list[str]]:
    """`data_files` is a pattern, a list of them, or a list of `{split, path}`."""
    entries = data_files if isinstance(data_files, list) else [data_files]
    found: dict[str, list[str]] = {}
    for entry in entries:
        split, path = (entry["split"], entry["path"]) if isinstance(entry, dict) else ("train", entry)
        found.setdefault(str(split), []).extend(path if isinstance(path, list) else [path])
    return found


def _matching(folder: Path, patterns: list[str]) -> list[Path]:
    found: list[Path] = []
    for pattern in patterns:
        if pattern.startswith("/") or ".." in Path(pattern).parts:
            raise BadInput(f"{folder}: the pattern {pattern!r} leads out of the dataset.")
        found += sorted(file for file in folder.glob(pattern) if file.is_file() and file not in found)
    return found


def _by_name(folder: Path) -> Files:
    """By the names of files, else of the folders they are in, as `datasets` takes them: where none names a split all
    are train, and where some do the others are left out."""
    named: Files = {}
    files = sorted(islice(_data(folder), MOST_FILES))
    for file in files:
        split = _split(file.relative_to(folder))
        if split is not None:
            named.setdefault(split, []).append(file)
    return named or {"train": files}


def _data(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
        if file.suffix.lower() in READ and not hidden and file.is_file():
            yield file


def _split(path: Path) -> str | None:
    shard = SHARD.match(path.stem)
    if shard is not None:
        return shard["split"]
    return next((split for part in (path.stem, *reversed(path.parts[:-1])) if (split := _known(part))), None)


def _known(name: str) -> str | None:
    words = re.findall(r"[a-z]+", name.lower())
    return next((split for split, known in SPLITS.items() if any(word in known for word in words)), None)


def _json(file: Path) -> Any:
    try:
        return orjson.loads(file.read_bytes())
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise BadInput(f"{file} is not JSON: {error}.") from error
