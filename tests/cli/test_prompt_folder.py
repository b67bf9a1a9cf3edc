"""A folder of prompts on disk: written whole or not at all, and nothing outside of it ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.cli.prompt_folder import Fault, PromptFolder
from gateway.errors import BadRequest, Conflict
from gateway.prompts.sync import Mark
from tests.prompts.test_merge import draft

HELLO = "messages: [{role: user, content: Hello.}]\n"


def loaded(root: Path) -> PromptFolder:
    folder = PromptFolder(root)
    for path in folder.entries():
        folder.read(path)
    return folder


def test_what_is_written_is_read_and_nothing_else_is_left(tmp_path: Path) -> None:
    loaded(tmp_path / "new").write("support/greeting", draft("Hello."))
    folder = loaded(tmp_path / "new")
    assert {name: file.draft for name, file in folder.files.items()} == {"support/greeting": draft("Hello.")}
    assert sorted(path.name for path in (tmp_path / "new").rglob("*")) == ["greeting.yaml", "support"]
    (tmp_path / "any").write_text("")
    written = tmp_path / "new" / "support" / "greeting.yaml"
    assert written.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_dots_in_a_name_lead_nowhere_else(tmp_path: Path) -> None:
    root = tmp_path / "root"
    loaded(root).write("a..b/c_", draft("Hello."))
    assert set(loaded(root).files) == {"a..b/c_"}
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == {
        "root",
        "root/a..b",
        "root/a..b/c_.yaml",
    }


def test_a_folder_that_is_not_there_is_empty_and_stays_away(tmp_path: Path) -> None:
    folder = loaded(tmp_path / "new")
    assert (folder.files, folder.faults, folder.marks()) == ({}, [], {})
    folder.keep({})
    assert os.listdir(tmp_path) == []


def test_a_file_that_changed_since_it_was_read_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(HELLO)
    folder = loaded(tmp_path)
    file.write_text("Mine.")
    (tmp_path / "b.yaml").write_text("Mine.")
    for name in "ab":
        with pytest.raises(Conflict, match="was changed meanwhile"):
            folder.write(name, draft("Theirs."))
        assert (tmp_path / f"{name}.yaml").read_text() == "Mine."


@pytest.mark.parametrize(
    "name", ["../a", "/a", "a/../../b", "a../b", "a.", "A", "a//b", ".git/config", "labels/a", "a\0b"]
)
def test_only_the_name_of_a_prompt_is_that_of_a_file(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(BadRequest):
        loaded(root).write(name, draft("a"))
    assert list(tmp_path.rglob("*")) == [root]


def test_links_are_neither_read_nor_written(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text(HELLO)
    (root / "linked").symlink_to(elsewhere)
    (root / "a.yaml").symlink_to(elsewhere / "a.yaml")
    (root / "notes").symlink_to(elsewhere / "a.yaml")
    folder = loaded(root)
    assert (folder.files, [fault.name for fault in folder.faults]) == ({}, ["a", "linked/"])
    for name in ("a", "linked/b"):
        with pytest.raises(BadRequest, match="It is a link"):
            folder.write(name, draft("b"))
    assert [path.read_text() for path in elsewhere.iterdir()] == [HELLO]


def test_a_folder_reached_by_a_link_is_as_any(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    loaded(tmp_path / "link").write("a", draft("Hello."))
    assert list(loaded(tmp_path / "real").files) == ["a"]


def test_what_is_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "b.yaml").write_text(HELLO)
    os.mkfifo(tmp_path / "c.yaml")
    folder = loaded(tmp_path)
    assert folder.faults == [Fault("c", str(tmp_path / "c.yaml"), "It is no file.")]
    for name in ("a", "b.yaml/x"):
        with pytest.raises(BadRequest, match="cannot be read"):
            folder.write(name, draft("x"))


def test_a_state_is_written_only_where_it_changed(tmp_path: Path) -> None:
    marks = {"a": Mark(1, "d", "t")}
    loaded(tmp_path).keep(marks)
    state = tmp_path / ".sluice" / "state.json"
    before = state.stat()
    assert loaded(tmp_path).marks() == marks
    loaded(tmp_path).keep(marks)
    assert (state.stat().st_ino, state.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    loaded(tmp_path).keep({})
    assert state.read_text() == '{\n  "prompts": {}\n}\n'
