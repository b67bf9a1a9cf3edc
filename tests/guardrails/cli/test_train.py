"""`sluice guard train`: what it needs, said before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from guardrails.cli import train
from guardrails.cli.app import cli
from guardrails.errors import BadInput, Missing


def trained(*words: str) -> Result:
    return CliRunner().invoke(cli, ["train", *words], catch_exceptions=False, standalone_mode=False)


@pytest.fixture
def libraries() -> None:
    for name in train.NEEDED:
        pytest.importorskip(name)


def test_a_library_that_is_missing_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(train, "NEEDED", ("json", "no_such_library"))
    with pytest.raises(Missing, match=r"no_such_library is not installed: pip install 'sluicegate\[train\]'"):
        trained("prompts", "--data", str(tmp_path), "--out", str(tmp_path))


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize(("what", "file"), [("prompts", "prompts_train"), ("groundedness", "groundedness_train")])
def test_data_that_is_missing_is_named_before_anything_is_trained(tmp_path: Path, what: str, file: str) -> None:
    with pytest.raises(BadInput, match=f"there is no {file}.parquet"):
        trained(what, "--data", str(tmp_path), "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("libraries")
def test_examples_are_of_prompts(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--examples are of prompts"):
        trained("groundedness", "--data", str(tmp_path), "--out", str(tmp_path), "--examples", "e.jsonl")
