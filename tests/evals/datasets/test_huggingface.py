"""Folders as Hugging Face's datasets come in, and the Hub's cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from evals.datasets.base import load
from evals.datasets.huggingface import HuggingFace
from evals.datasets.layout import files_of
from evals.errors import BadInput


def write(folder: Path, files: dict[str, str]) -> Path:
    """JSON Lines of one row each, that says its file; other files as they are given."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or json.dumps({"input": name}) + "\n")
    return folder


def asked(folder: Path, **keys: Any) -> list[str]:
    spec = HuggingFace.model_validate({"path": ".", **keys})
    return [sample.question for sample in load(spec, folder).samples]


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["a.jsonl", "b.jsonl"], {"train": ["a.jsonl", "b.jsonl"]}),
        (["my_train_file.jsonl", "dev.jsonl", "test-1.jsonl"], {"train": 1, "validation": 1, "test": 1}),
        (["data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl"], {"train": 2}),
        (["data/hard-00000-of-00001-abc123.jsonl"], {"hard": 1}),
        (["test/a.jsonl", "train/a.jsonl", "train/b.jsonl"], {"test": 1, "train": 2}),
        (["train.jsonl", "other.jsonl"], {"train": ["train.jsonl"]}),
        (["eval.jsonl", "training.jsonl", "mytest.jsonl"], {"test": 1, "train": 1}),
        (["data/dev-00000-of-00001.jsonl"], {"dev": 1}),
        (["contest.jsonl", ".cache/test.jsonl"], {"train": ["contest.jsonl"]}),
    ],
)
def test_splits_by_the_names_of_files(tmp_path: Path, names: list[str], splits: dict[str, Any]) -> None:
    """As `load_dataset` of `datasets` 5.2 has them."""
    found = files_of(write(tmp_path, dict.fromkeys(names, "")), None)
    for split, wanted in splits.items():
        if isinstance(wanted, int):
            assert len(found[split]) == wanted
        else:
            assert [path.name for path in found[split]] == wanted
    assert found.keys() == splits.keys()


README = """---
license: mit
configs:
- config_name: default
  data_files:
  - {split: train, path: "parts/*.jsonl"}
  - split: test
    path: [held.jsonl]
- config_name: other
  data_files: held.jsonl
---
# A dataset
"""


def test_splits_as_the_readme_lists_them(tmp_path: Path) -> None:
    write(tmp_path, {"README.md": README, "parts/b.jsonl": "", "parts/a.jsonl": "", "held.jsonl": ""})
    assert asked(tmp_path, split="train") == ["parts/a.jsonl", "parts/b.jsonl"]
    assert asked(tmp_path, split="test") == ["held.jsonl"]
    assert asked(tmp_path, config="other") == ["held.jsonl"]
    with pytest.raises(BadInput, match="has several splits: write split: one of train, test"):
        asked(tmp_path)
    with pytest.raises(BadInput, match="has no split 'dev': it has train, test"):
        asked(tmp_path, split="dev")
    with pytest.raises(BadInput, match="has no configuration 'none': it has default, other"):
        asked(tmp_path, config="none")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ('configs: [{config_name: a, data_files: "../x.jsonl"}]', "leads out of the dataset"),
        ('configs: [{config_name: a, data_files: "/etc/*"}]', "leads out of the dataset"),
        ("configs: [{config_name: a, data_files: [{split: x}]}]", "configs is a list of"),
        ("configs: [", "its header is not YAML"),
        ("configs: [{config_name: a, data_files: a}, {config_name: b, data_files: b}]", "write config: one of a, b"),
    ],
)
def test_a_readme_that_misleads(tmp_path: Path, header: str, said: str) -> None:
    write(tmp_path, {"README.md": f"---\n{header}\n---\n", "a.jsonl": ""})
    with pytest.raises(BadInput, match=said):
        asked(tmp_path)


def test_a_readme_that_lists_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"README.md": "---\nlicense: mit\n---\n", "test.jsonl": ""})
    assert asked(tmp_path) == ["test.jsonl"]
    write(tmp_path, {"README.md": "no header"})
    assert asked(tmp_path) == ["test.jsonl"]


def test_files_of_every_kind(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "a.json": '[{"input": "listed 1"}, {"input": "listed 2"}]',
            "b.json": '{"input": "lines"}\n',
            "c.csv": "input\ncommas\n",
            "d.tsv": "input\ttabs\nx\ty\n",
        },
    )
    pq.write_table(pa.table({"input": ["columns"]}), tmp_path / "e.parquet")
    assert asked(tmp_path) == ["listed 1", "listed 2", "lines", "commas", "x", "columns"]
    write(tmp_path, {"a.json": "[1"})
    with pytest.raises(BadInput, match=r"a\.json: not JSON"):
        asked(tmp_path)
    write(tmp_path, {"a.json": "[1]"})
    with pytest.raises(BadInput, match=r"a\.json: row 1: a row is an object"):
        asked(tmp_path)


def saved(folder: Path) -> None:
    """As `Dataset.save_to_disk` leaves it: a stream of Arrow's, whose schema says what its columns are."""
    folder.mkdir(parents=True)
    features = {
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
        "input": {"dtype": "string", "_type": "Value"},
    }
    table = pa.table({"input": ["good", "bad", "?"], "label": [1, 0, -1]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    with (
        pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as out,
    ):
        out.write_table(table)
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": "train"}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")


def test_what_save_to_disk_wrote(tmp_path: Path) -> None:
    saved(tmp_path / "whole")
    spec = HuggingFace(path="whole", fields={"expected": "label"})
    assert [sample.expected for sample in load(spec, tmp_path).samples] == ["pos", "neg", -1]
    for split in ("train", "test"):
        saved(tmp_path / "parted" / split)
    (tmp_path / "parted/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert asked(tmp_path, path="parted", split="test") == ["good", "bad", "?"]
    (tmp_path / "whole/state.json").write_text("{}")
    with pytest.raises(BadInput, match="is not what save_to_disk writes"):
        load(spec, tmp_path)
    (tmp_path / "whole/state.json").write_text('{"_data_files"')
    with pytest.raises(BadInput, match=r"state\.json is not JSON"):
        load(spec, tmp_path)
    (tmp_path / "whole/data-00000-of-00001.arrow").write_bytes(b"no arrow at all")
    (tmp_path / "whole/state.json").write_text('{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}')
    with pytest.raises(BadInput, match="is not an Arrow file that can be read"):
        load(spec, tmp_path)
    (tmp_path / "whole/state.json").write_text('{"_data_files": [{"filename": "none.arrow"}]}')
    with pytest.raises(BadInput, match=r"none\.arrow cannot be read"):
        load(spec, tmp_path)


def test_what_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no file that can be read"):
        asked(tmp_path)
    with pytest.raises(BadInput, match="is no folder"):
        asked(tmp_path, path="none")
    with pytest.raises(ValidationError, match="give either path, a folder, or name"):
        HuggingFace(path="x", name="y/z")
    with pytest.raises(ValidationError):
        HuggingFace(name="../../etc")


def test_a_dataset_of_the_hub_that_was_fetched_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache as `huggingface_hub` keeps it, and no Hub."""
    import huggingface_hub.constants as hub

    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "HF_HUB_CACHE", str(tmp_path))
    commit = "c" * 40
    write(tmp_path / "datasets--acme--faq" / "snapshots" / commit, {"test.jsonl": ""})
    write(tmp_path / "datasets--acme--faq" / "refs", {"main": commit})
    spec = HuggingFace(name="acme/faq")
    assert [sample.question for sample in load(spec, tmp_path).samples] == ["test.jsonl"]
    with pytest.raises(BadInput, match="was not fetched before"):
        load(HuggingFace(name="acme/other"), tmp_path)
