"""One's own model: examples among the rows, and the package under its digest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

from guardrails.models.manifest import read  # noqa: E402 - after what may be missing
from guardrails.training.corpora import ATTACK, CLEAN, of_prompts, rows  # noqa: E402
from guardrails.training.own import PROMPTS, Asked, joined, lines, placed, recipe_of  # noqa: E402
from tests.guardrails.models import made  # noqa: E402

ROW = {"text": "one", "label": 1, "kind": "jailbreak", "source": "s", "lang": "en", "quality": "clean"}


def data(folder: Path) -> Path:
    folder.mkdir()
    for name in PROMPTS:
        parquet.write_table(pyarrow.Table.from_pylist([ROW, {**ROW, "text": "two"}]), folder / f"{name}.parquet")
    return folder


def written(file: Path, *examples: object) -> Path:
    file.write_text("".join(json.dumps(one) + "\n" for one in examples) + "\n")
    return file


def test_examples_are_among_the_rows_and_outrank_them(tmp_path: Path) -> None:
    file = written(tmp_path / "e.jsonl", {"text": "one", "label": 0}, {"text": "new", "attack": True, "reason": "x"})
    folder = joined(data(tmp_path / "data"), lines(file), tmp_path / "joined")
    found = {example.text: example for example in of_prompts(rows(folder / "prompts_train.parquet"))}
    assert sorted(found) == ["new", "one", "two"]
    assert found["one"].targets == CLEAN
    assert (found["new"].targets, found["new"].kind) == (ATTACK, "injection_direct")
    assert rows(folder / "prompts_dev_ood.parquet") == rows(tmp_path / "data/prompts_dev_ood.parquet")


def test_a_package_lies_under_its_digest(tmp_path: Path) -> None:
    making = made.folder(tmp_path / ".counting")
    manifest, _ = read(making)
    package = placed(making, manifest)
    name, _, pin = package.folder.name.partition("@")
    assert name == "counting"
    assert read(package.folder, pin)[0] == manifest
    again = placed(made.folder(tmp_path / ".counting"), manifest)
    assert again.folder == package.folder
    assert [one.name for one in tmp_path.iterdir()] == [package.folder.name]


def test_the_recipe_is_the_shipped_one_but_for_what_is_asked() -> None:
    asked = Asked(Path(), Path(), minutes=2.0)
    assert recipe_of("prompts", asked).minutes == 2.0
    assert recipe_of("prompts", asked).passes == recipe_of("prompts", Asked(Path(), Path())).passes
