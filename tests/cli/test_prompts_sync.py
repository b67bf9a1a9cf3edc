"""`sluice prompts sync`, as people who keep their prompts under Git type it."""

from __future__ import annotations

import itertools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.cli import remote_prompts
from gateway.prompts.formats import yaml
from tests.cli.conftest import Done, Sluice
from tests.running import Gateway

EXAMPLES = itertools.count()
FOLDERS = (f"sync-{number}" for number in itertools.count())


@dataclass
class Desk:
    """Where somebody works: `root` is the folder on disk, `folder` the one of the registry that it is about."""

    sluice: Sluice
    gateway: Gateway
    root: Path
    folder: str

    def sync(self, *arguments: str) -> Done:
        return self.sluice("prompts", "sync", str(self.root), "--only", self.folder, *arguments)

    def told(self, *arguments: str) -> list[tuple[str, str]]:
        """What became of each prompt, by its last name."""
        listed = self.sync("--json", *arguments).listed
        return [(one["name"].removeprefix(f"{self.folder}/"), one["outcome"]) for one in listed]

    def file(self, name: str) -> Path:
        return self.root / self.folder / f"{name}.yaml"

    def write(self, name: str, *lines: str) -> None:
        self.file(name).parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"      {line}\n" for line in lines)
        self.file(name).write_text(f"# Mine.\nmessages:\n  - role: user\n    content: |\n{text}")

    def post(self, name: str, *lines: str, **others: Any) -> None:
        """Somebody else saves it."""
        body = {"messages": [{"role": "user", "content": "".join(f"{line}\n" for line in lines)}], **others}
        url = f"{self.gateway.url}/admin/prompts/{self.folder}/{name}"
        httpx.post(url, json=body, headers=self.gateway.headers).raise_for_status()

    def versions(self, name: str) -> list[str]:
        """The texts of all versions."""
        url = f"{self.gateway.url}/admin/prompts/{self.folder}/{name}"
        count = len(httpx.get(url, headers=self.gateway.headers).json()["versions"])
        found = [httpx.get(f"{url}/versions/{n + 1}", headers=self.gateway.headers).json() for n in range(count)]
        return [one["messages"][0]["content"] for one in found]

    def head(self, name: str) -> dict[str, Any]:
        url = f"{self.gateway.url}/admin/prompts/{self.folder}/{name}"
        found: dict[str, Any] = httpx.get(url, headers=self.gateway.headers).json()
        return found

    def bytes(self) -> dict[str, bytes]:
        """All there is in the folder on disk."""
        return {str(path): path.read_bytes() for path in sorted(self.root.rglob("*")) if path.is_file()}


@pytest.fixture
def desk(sluice: Sluice, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("SLUICE_URL", gateway.url)
    monkeypatch.setenv("SLUICE_KEY", gateway.key)
    return Desk(sluice, gateway, tmp_path / "prompts", next(FOLDERS))


def test_each_side_gets_what_is_new_in_the_other(desk: Desk) -> None:
    desk.write("mine", "one", "two")
    desk.post("theirs", "three")
    mine = desk.file("mine").read_bytes()
    done = desk.sync("-m", "From Git.")
    assert (done.code, done.out) == (0, f"saved     {desk.folder}/mine@1\nwritten   {desk.folder}/theirs@1\n")
    assert desk.file("mine").read_bytes() == mine
    assert desk.file("theirs").read_text() == (
        f"name: {desk.folder}/theirs\nmessages:\n  - role: user\n    content: |\n      three\n"
    )
    assert desk.head("mine")["versions"][0]["message"] == "From Git."
    assert desk.head("mine")["labels"] == {}
    assert f"nothing new: it is {desk.folder}/theirs@1" in desk.sluice("prompts", "save", str(desk.file("theirs"))).out
    before = desk.bytes()
    again = desk.sync()
    assert (again.code, again.out, desk.bytes()) == (0, "nothing to do\n", before)


def test_what_one_side_changed_goes_to_the_other(desk: Desk) -> None:
    desk.write("mine", "one")
    desk.post("theirs", "three")
    desk.sync()
    desk.write("mine", "ONE")
    desk.post("theirs", "THREE")
    assert desk.told() == [("mine", "saved"), ("theirs", "written")]
    assert desk.versions("mine") == ["one\n", "ONE\n"]
    assert "THREE" in desk.file("theirs").read_text()
    assert desk.told() == []


def test_what_both_changed_is_merged_and_each_side_stays_a_version(desk: Desk) -> None:
    desk.post("a", "one", "two", "three")
    desk.sync()
    desk.write("a", "ONE", "two", "three")
    desk.post("a", "one", "two", "THREE")
    assert desk.told() == [("a", "merged")]
    assert desk.versions("a") == ["one\ntwo\nthree\n", "one\ntwo\nTHREE\n", "ONE\ntwo\nthree\n", "ONE\ntwo\nTHREE\n"]
    assert "ONE\n      two\n      THREE\n" in desk.file("a").read_text()
    assert desk.head("a")["head"]["version"] == 4
    assert desk.told() == []


def test_a_conflict_leaves_both_as_they_are_until_somebody_decides(desk: Desk) -> None:
    desk.post("a", "one")
    desk.post("b", "one")
    desk.sync()
    for name in ("a", "b"):
        desk.write(name, "folder's")
        desk.post(name, "registry's")
    before = desk.bytes()
    done = desk.sync()
    assert done.code == 3
    marks = "<<<<<<< folder\nfolder's\n=======\nregistry's\n>>>>>>> registry"
    assert f"conflict  {desk.folder}/a\nmessages:\n{marks}\n" in done.out
    assert f"sluice prompts sync {desk.root} --only NAME --take folder" in done.out
    assert (desk.bytes(), desk.versions("a")) == (before, ["one\n", "registry's\n"])
    desk.write("a", "agreed")
    taken = desk.sync("--only", f"{desk.folder}/a", "--take", "folder")
    assert (taken.code, taken.out) == (0, f"saved     {desk.folder}/a@3\n")
    assert desk.versions("a") == ["one\n", "registry's\n", "agreed\n"]
    assert desk.told("--take", "registry") == [("b", "written")]
    assert "registry's" in desk.file("b").read_text()
    assert desk.told() == []


def test_what_was_never_in_sync_is_a_conflict_as_a_whole(desk: Desk) -> None:
    desk.write("a", "mine")
    desk.write("same", "both")
    desk.post("a", "theirs")
    desk.post("same", "both")
    done = desk.sync()
    assert (done.code, "the whole prompt:\n<<<<<<< folder\nmessages:\n" in done.out) == (3, True)
    assert f"noted     {desk.folder}/same@1" in done.out


def test_a_deleted_file_is_told_and_comes_back_when_somebody_says_so(desk: Desk) -> None:
    desk.post("a", "one")
    desk.sync()
    desk.file("a").unlink()
    for _ in range(2):
        done = desk.sync()
        assert (done.code, done.out.startswith(f"deleted   {desk.folder}/a  Its file was deleted")) == (0, True)
    assert not desk.file("a").exists()
    assert desk.told("--take", "registry") == [("a", "written")]
    assert desk.told() == []


def test_a_prompt_that_another_registry_has_is_never_taken_for_this_one_s(desk: Desk) -> None:
    """As when a folder is synced with the gateway of staging, and then with that of production."""
    desk.post("a", "one")
    desk.post("b", "one")
    desk.sync()
    path = desk.root / ".sluice" / "state.json"
    state = orjson.loads(path.read_bytes())
    marks = state["prompts"]
    marks[f"{desk.folder}/a"]["digest"] = "0" * 64
    marks[f"{desk.folder}/b"]["digest"] = "0" * 64
    marks[f"{desk.folder}/ghost"] = marks[f"{desk.folder}/a"]
    marks[f"{desk.folder}/gone"] = marks[f"{desk.folder}/a"]
    path.write_bytes(orjson.dumps(state))
    desk.write("b", "two")
    desk.write("ghost", "three")
    assert desk.told() == [("b", "conflict"), ("a", "noted"), ("ghost", "missing"), ("gone", "noted")]
    assert desk.told("--take", "folder") == [("b", "saved"), ("ghost", "saved")]
    assert desk.told() == []


def test_what_cannot_be_read_is_told_with_its_place_and_the_rest_goes_on(desk: Desk) -> None:
    desk.post("bad", "one")
    desk.sync()
    desk.post("bad", "two")
    desk.write("good", "Hello.")
    desk.write("broken", "{{ x")
    desk.file("bad").write_text("messages:\n  - role: boss\n    content: a\n")
    desk.file("renamed").write_text("name: another\nmessages: [{role: user, content: a}]\n")
    desk.file("binary").write_bytes(b"\xff")
    desk.file("Capital").write_text("messages: [{role: user, content: a}]\n")
    (desk.root / desk.folder / "short.yml").write_text("messages: [{role: user, content: a}]\n")
    (desk.root / desk.folder / "notes.txt").write_text("Not a prompt.")
    done = desk.sync()
    assert (done.code, done.out) == (1, f"saved     {desk.folder}/good@1\n")
    assert done.err.count("failed") == 6
    for said in (
        f"{desk.file('bad')}: line 2: prompt.messages.0: the role is one of",
        f"{desk.file('renamed')}: It says that it is 'another'",
        f"{desk.file('binary')}: It is not UTF-8 text",
        "A prompt can be called",
        "Call it short.yaml",
        f"{desk.file('broken')}: prompts.{desk.folder}/broken.messages[0].content, line 1: ",
    ):
        assert said in done.err
    assert "boss" in desk.file("bad").read_text()


def test_nothing_leaves_the_folder(desk: Desk, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.yaml").write_text("messages: [{role: user, content: secret}]\n")
    desk.post("linked/a", "one")
    desk.post("b", "one")
    (desk.root / desk.folder).mkdir(parents=True)
    (desk.root / desk.folder / "linked").symlink_to(elsewhere)
    desk.file("b").symlink_to(elsewhere / "secret.yaml")
    done = desk.sync()
    assert (done.code, done.out, done.err.count("It is a link")) == (1, "", 2)
    assert os.listdir(elsewhere) == ["secret.yaml"]
    (desk.root / ".sluice").symlink_to(elsewhere)
    refused = desk.sync()
    assert (refused.code, "It is a link" in refused.err) == (1, True)
    assert os.listdir(elsewhere) == ["secret.yaml"]


def test_names_that_differ_only_in_capitals_are_refused(desk: Desk) -> None:
    desk.post("sub/a", "one")
    (desk.root / desk.folder / "Sub").mkdir(parents=True)
    done = desk.sync()
    assert (done.code, "only in capitals" in done.err) == (1, True)
    assert not desk.file("sub/a").exists()


def test_a_dry_run_does_nothing(desk: Desk) -> None:
    desk.post("a", "one", "two", "three")
    desk.post("b", "one")
    desk.sync()
    desk.write("a", "ONE", "two", "three")
    desk.post("a", "one", "two", "THREE")
    desk.post("b", "two")
    desk.write("new", "one")
    before = desk.bytes()
    done = desk.sync("--dry-run")
    names = [(line.split()[2], line.split()[3]) for line in done.out.splitlines() if line.startswith("to be ")]
    assert names == [
        ("merged", f"{desk.folder}/a"),
        ("saved", f"{desk.folder}/new"),
        ("written", f"{desk.folder}/b@2"),
    ]
    assert (desk.bytes(), len(desk.versions("a"))) == (before, 2)
    assert desk.head("new")["error"]["code"] == "prompt_not_found"


def test_what_is_included_is_saved_first_and_stays_as_it_is_written(desk: Desk) -> None:
    desk.write("a", f'{{% include "{desk.folder}/style" %}} Help.')
    desk.write("style", "Be plain.")
    assert desk.told() == [("style", "saved"), ("a", "saved")]
    desk.write("style", "Be warm.")
    assert desk.told() == [("style", "saved")]
    text = f'{{% include "{desk.folder}/style" %}} Help.\n'
    assert desk.versions("a") == [text]
    desk.post("a", text.rstrip("\n"))
    assert desk.versions("a") == [text, text]
    assert (desk.told(), desk.told()) == ([("a", "noted")], [])
    desk.write("x", f'{{% include "{desk.folder}/y" %}}')
    desk.write("y", f'{{% include "{desk.folder}/x" %}}')
    assert desk.told() == [("x", "failed"), ("y", "failed")]


def test_a_registry_of_many_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_prompts, "PAGE", 2)
    for name in "abcde":
        desk.post(name, "one")
    assert [name for name, _ in desk.told()] == list("abcde")
    desk.write("a", "two")
    assert desk.told("--only", f"{desk.folder}/a") == [("a", "saved")]
    desk.sluice("prompts", "alias", f"{desk.folder}-a", f"{desk.folder}/a")
    assert desk.told("--only", f"{desk.folder}-a") == []


def test_the_whole_registry(desk: Desk) -> None:
    desk.post("a", "one")
    assert "greeter.yaml" not in os.listdir(desk.root.parent)
    done = desk.sluice("prompts", "sync", str(desk.root))
    assert done.code == 0
    assert (desk.root / "greeter.yaml").read_text().startswith("name: greeter\nmessages:\n  - role: system\n")
    assert desk.file("a").exists()
    assert desk.sluice("prompts", "sync", str(desk.root)).out == "nothing to do\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("file",), "file is no folder"), ((".", "--only", "Not This"), "can be called 'not-this'")],
)
def test_what_is_typed_wrongly_is_told(desk: Desk, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "file").write_text("")
    done = desk.sluice("prompts", "sync", *arguments)
    assert (done.code, said in done.err) == (1, True)


def test_a_state_that_cannot_be_read_is_told(desk: Desk) -> None:
    desk.post("a", "one")
    desk.sync()
    path = desk.root / ".sluice" / "state.json"
    path.write_text("<<<<<<< HEAD\n" + path.read_text())
    done = desk.sync()
    assert (done.code, "take either side of it whole, and sync again" in done.err) == (1, True)
    path.write_text('{"prompts": {"../../a": {"version": 1, "digest": "", "text": ""}}}')
    assert desk.sync().code == 1


LINES = st.lists(st.sampled_from(["one", "two", "three", "four "]), min_size=1, max_size=4)
ROUNDS = st.lists(
    st.tuples(st.none() | LINES, st.none() | LINES, st.sampled_from([None, None, "folder"])), min_size=1, max_size=3
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROUNDS)
def test_nothing_that_anybody_wrote_is_lost(
    desk: Desk, rounds: list[tuple[list[str] | None, list[str] | None, str | None]]
) -> None:
    name = f"any-{next(EXAMPLES)}"
    written, in_file = set[str](), set[str]()
    for mine, theirs, taken in rounds:
        if mine is not None:
            written -= in_file.difference(desk.versions(name) if in_file else ())  # written over by its own author
            desk.write(name, *mine)
            written.add("".join(f"{line}\n" for line in mine))
        if theirs is not None:
            desk.post(name, *theirs)
            written.add("".join(f"{line}\n" for line in theirs))
        done = desk.sync("--only", f"{desk.folder}/{name}", *(("--take", taken) if taken is not None else ()))
        assert done.code in ((0,) if taken is not None else (0, 3))
        if written:
            (file,) = yaml.read(desk.file(name).read_text(), "a")
            in_file = {file.draft.messages[0]["content"]}
            assert written <= in_file.union(desk.versions(name))


@dataclass
class Clone:
    """Somebody's own copy of the repository."""

    path: Path

    def git(self, *arguments: str, check: bool = True) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", *arguments]
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        done = subprocess.run(
            command, cwd=self.path, env=environment, text=True, capture_output=True, check=check, timeout=30
        )
        return done.stdout

    def commit(self) -> None:
        self.git("add", ".")
        self.git("commit", "-qm", "Prompts.")


def test_two_people_two_clones_and_a_conflict(desk: Desk, tmp_path: Path) -> None:
    Clone(tmp_path).git("init", "-q", "--bare", "origin")
    people = []
    for name in ("ada", "bob"):
        Clone(tmp_path).git("clone", "-q", "origin", name)
        clone = Clone(tmp_path / name)
        people.append((Desk(desk.sluice, desk.gateway, clone.path / "prompts", desk.folder), clone))
    (ada, hers), (bob, his) = people

    ada.write("greeting", "Be kind.", "Greet.", "Ask.")
    assert ada.told() == [("greeting", "saved")]
    hers.commit()
    hers.git("push", "-q", "origin", "HEAD:main")
    his.git("pull", "-q", "origin", "main")
    assert bob.told() == []
    assert his.git("status", "--porcelain") == ""

    ada.write("greeting", "Be warm.", "Greet.", "Ask.")
    bob.write("greeting", "Be kind.", "Greet.", "Ask their name.")
    assert ada.told() == [("greeting", "saved")]
    assert bob.told() == [("greeting", "merged")]
    assert "Be warm.\n      Greet.\n      Ask their name." in bob.file("greeting").read_text()
    assert ada.told() == [("greeting", "written")]
    assert list(ada.bytes().values()) == list(bob.bytes().values())

    ada.write("greeting", "Be warm.", "Greet by name.", "Ask their name.")
    bob.write("greeting", "Be warm.", "Greet twice.", "Ask their name.")
    assert ada.told() == [("greeting", "saved")]
    hers.commit()
    hers.git("push", "-q", "origin", "HEAD:main")
    mine = bob.file("greeting").read_bytes()
    conflict = bob.sync()
    assert conflict.code == 3
    assert "<<<<<<< folder\nGreet twice.\n=======\nGreet by name.\n>>>>>>> registry" in conflict.out
    assert bob.file("greeting").read_bytes() == mine
    bob.write("greeting", "Be warm.", "Greet twice, by name.", "Ask their name.")
    assert bob.told("--take", "folder") == [("greeting", "saved")]
    his.commit()
    his.git("pull", "-q", "--no-rebase", "-X", "ours", "origin", "main")
    assert bob.told() == []
    his.git("push", "-q", "origin", "HEAD:main")
    hers.git("pull", "-q", "origin", "main")
    assert ada.told() == []
    assert list(ada.bytes().values()) == list(bob.bytes().values())
    assert ada.versions("greeting")[-1] == "Be warm.\nGreet twice, by name.\nAsk their name.\n"
    assert ada.head("greeting")["labels"] == {}
