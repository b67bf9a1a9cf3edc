"""The steps of a sync while somebody else goes on working: what they did is seen, and nothing of it is lost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.cli.prompt_folder import PromptFolder
from gateway.cli.prompt_syncing import Became, Choices, Outcome, Planned, Syncing
from gateway.cli.remote import connect
from gateway.cli.remote_prompts import RemotePrompts
from gateway.prompts.sync import Mark, Step
from tests.running import Gateway

NAMES = (f"syncing/prompt-{number}" for number in itertools.count())


class Meanwhile:
    """A sync of one prompt, between what it plans and what it does."""

    def __init__(self, registry: RemotePrompts, gateway: Gateway, root: Path) -> None:
        self.name = next(NAMES)
        self.file = root / f"{self.name}.yaml"
        self._registry = registry
        self._gateway = gateway
        self._root = root

    def write(self, content: str) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(f"messages:\n  - role: user\n    content: {content!r}\n".replace("\\n", "\n\n      "))

    def post(self, content: str) -> None:
        body = {"messages": [{"role": "user", "content": content}]}
        reply = httpx.post(self._url(), json=body, headers=self._gateway.headers)
        assert reply.status_code == 201

    def plan(self) -> tuple[Syncing, Planned]:
        folder = PromptFolder(self._root)
        for path in folder.entries():
            folder.read(path)
        syncing = Syncing(self._registry, folder, folder.marks(), Choices(self.name, None, "", dry_run=False))
        heads = {head["name"]: head for head in self._registry.heads(self.name)}
        return syncing, syncing.plan(self.name, heads.get(self.name))

    def act(self, syncing: Syncing, planned: Planned) -> Outcome:
        outcome = syncing.act(planned)
        PromptFolder(self._root).keep(syncing.marks)
        return outcome

    def sync(self) -> Outcome:
        return self.act(*self.plan())

    def contents(self) -> list[str]:
        """Of all versions."""
        count = len(self.prompt()["versions"])
        numbers = range(1, count + 1)
        return [self._registry.version(self.name, number).draft.messages[0]["content"] for number in numbers]

    def prompt(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(self._url(), headers=self._gateway.headers).json()
        return found

    def _url(self) -> str:
        return f"{self._gateway.url}/admin/prompts/{self.name}"


@pytest.fixture
def meanwhile(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meanwhile]:
    monkeypatch.setenv("SLUICE_KEY", gateway.key)
    with connect(gateway.url) as transport:
        yield Meanwhile(RemotePrompts(transport), gateway, tmp_path)


def test_a_version_saved_meanwhile_is_not_saved_over(meanwhile: Meanwhile) -> None:
    meanwhile.write("one")
    assert meanwhile.sync().outcome is Became.SAVED
    meanwhile.write("mine")
    planned = meanwhile.plan()
    assert planned[1].step is Step.SAVE
    meanwhile.post("theirs")
    outcome = meanwhile.act(*planned)
    assert (outcome.outcome, outcome.message) == (Became.OVERTAKEN, "Somebody else saved it meanwhile: sync again.")
    assert (meanwhile.contents(), meanwhile.prompt()["head"]["version"]) == (["one", "theirs"], 2)
    assert "<<<<<<< folder\nmine\n=======\ntheirs\n" in meanwhile.sync().message


def test_a_first_version_saved_meanwhile_is_told(meanwhile: Meanwhile) -> None:
    meanwhile.write("mine")
    planned = meanwhile.plan()
    meanwhile.post("theirs")
    outcome = meanwhile.act(*planned)
    assert (outcome.outcome, outcome.version) == (Became.SAVED, 2)
    assert "Somebody else saved a first version meanwhile" in outcome.message
    assert meanwhile.contents() == ["theirs", "mine"]


def test_a_merge_takes_up_what_was_saved_meanwhile(meanwhile: Meanwhile) -> None:
    meanwhile.write("one\ntwo\nthree\nfour\nfive")
    meanwhile.sync()
    meanwhile.write("ONE\ntwo\nthree\nfour\nfive")
    meanwhile.post("one\ntwo\nTHREE\nfour\nfive")
    planned = meanwhile.plan()
    assert planned[1].step is Step.MERGE
    meanwhile.post("one\ntwo\nTHREE\nfour\nFIVE")
    assert meanwhile.act(*planned).outcome is Became.MERGED
    assert meanwhile.contents()[-1] == "ONE\ntwo\nTHREE\nfour\nFIVE"
    assert meanwhile.plan()[1].step is Step.KEEP


def test_a_merge_that_clashes_with_what_was_saved_meanwhile_is_gone_on_with(meanwhile: Meanwhile) -> None:
    meanwhile.write("one\ntwo\nthree")
    meanwhile.sync()
    meanwhile.write("ONE\ntwo\nthree")
    meanwhile.post("one\ntwo\nTHREE")
    planned = meanwhile.plan()
    meanwhile.post("eins\ntwo\nTHREE")
    mine = meanwhile.file.read_bytes()
    assert meanwhile.act(*planned).outcome is Became.OVERTAKEN
    assert meanwhile.file.read_bytes() == mine
    assert "<<<<<<< folder\nONE\n=======\neins\n" in meanwhile.sync().message
    meanwhile.post("one\ntwo\nDREI")
    assert meanwhile.sync().outcome is Became.MERGED
    assert meanwhile.contents()[-1] == "ONE\ntwo\nDREI"
    branches = {branch["name"]: branch["closed"] for branch in meanwhile.prompt()["branches"]}
    assert [name for name, closed in branches.items() if closed is None] == ["main"]


def test_a_file_changed_meanwhile_is_not_written_over(meanwhile: Meanwhile) -> None:
    meanwhile.write("one")
    meanwhile.sync()
    meanwhile.post("theirs")
    planned = meanwhile.plan()
    assert planned[1].step is Step.WRITE
    meanwhile.write("mine")
    outcome = meanwhile.act(*planned)
    assert (outcome.outcome, "was changed meanwhile: sync again" in outcome.message) == (Became.OVERTAKEN, True)
    assert "mine" in meanwhile.file.read_text()


def test_what_was_cut_off_after_it_was_saved_is_noted(meanwhile: Meanwhile) -> None:
    meanwhile.write("one")
    syncing, planned = meanwhile.plan()
    syncing.act(planned)
    assert meanwhile.sync().outcome is Became.NOTED
    assert meanwhile.contents() == ["one"]


def test_a_file_that_was_deleted_stays_so_whatever_the_registry_is(meanwhile: Meanwhile) -> None:
    meanwhile.write("one")
    syncing, planned = meanwhile.plan()
    syncing.act(planned)
    syncing.marks[meanwhile.name] = Mark(7, "of another registry", "")
    PromptFolder(meanwhile.file.parents[1]).keep(syncing.marks)
    meanwhile.file.unlink()
    assert meanwhile.sync().outcome is Became.DELETED
    assert not meanwhile.file.exists()
