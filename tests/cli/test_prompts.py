"""`sluice prompts`, as somebody who writes prompts and somebody who lets them into production type it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml

from tests.cli.conftest import Sluice
from tests.running import Gateway

NAMES = (f"cli/prompt-{number}" for number in itertools.count())


@pytest.fixture
def name(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of a prompt that nobody has written yet, in a gateway that is asked with the administrator's key."""
    monkeypatch.setenv("SLUICE_URL", gateway.url)
    monkeypatch.setenv("SLUICE_KEY", gateway.key)
    return next(NAMES)


@pytest.fixture
def approver(gateway: Gateway) -> str:
    """Another person's key."""
    body = {"name": "carol", "roles": ["approver"]}
    key: str = httpx.post(f"{gateway.url}/admin/keys", json=body, headers=gateway.headers).json()["key"]
    return key


def write(file: Path, content: str, **others: Any) -> str:
    file.write_text(yaml.safe_dump({"messages": [{"role": "user", "content": content}], **others}))
    return str(file)


def told(out: str) -> Any:
    return orjson.loads(out)


def test_a_prompt_is_saved_shown_and_found(sluice: Sluice, name: str, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", "Greet {{ name }}, xylophone.", name=name, variables={"name": "string"})
    assert f"saved {name}@1" in sluice("prompts", "save", file, "-m", "First try.").out
    assert f"nothing new: it is {name}@1" in sluice("prompts", "save", file).out
    shown = sluice("prompts", "show", name).out
    assert "First try." in shown
    assert "main (at 1)" in shown
    assert "--- user\nGreet {{ name }}, xylophone." in sluice("prompts", "show", f"{name}@1").out
    for listed in (("list", "--folder", "cli", "-n", "1000"), ("search", "XYLOPHONE")):
        assert name in sluice("prompts", *listed).out
        assert name in [one["name"] for one in told(sluice("prompts", *listed, "--json").out)["data"]]
    assert "No prompts yet" in sluice("prompts", "list", "--folder", "ghost").out


def test_the_name_is_in_the_file_or_said(sluice: Sluice, name: str, tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", "Hello.")
    refused = sluice("prompts", "save", file)
    assert (refused.code, "give it a `name`, or say --name" in refused.err) == (1, True)
    saved = told(sluice("prompts", "save", file, "--name", name, "--json").out)
    assert (saved["name"], saved["version"]) == (name, 1)
    again = told(sluice("prompts", "save", "-", "--name", name, "--json", stdin=Path(file).read_text()).out)
    assert (again["version"], again["new"]) == (1, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("messages: [", "is not valid YAML"),
        ("- a", "a prompt is one mapping"),
        ("name: a\nmessages: [{role: boss, content: a}]", "the role is one of"),
        ("name: a\nmessages: [{role: user, content: '{{ x.y() }}'}]", "call is not part of the template language"),
    ],
)
def test_what_is_no_prompt_is_told(sluice: Sluice, name: str, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    done = sluice("prompts", "save", str(tmp_path / "a.yaml"))
    assert (done.code, done.out) == (1, "")
    assert said in done.err


def test_what_a_version_changes_is_shown(sluice: Sluice, name: str, tmp_path: Path) -> None:
    for number, content in enumerate(("one\ntwo", "one\n2")):
        file = write(tmp_path / "a.yaml", content, parameters={"temperature": number})
        sluice("prompts", "save", file, "--name", name)
    assert "Nothing of" in sluice("prompts", "diff", name).out
    shown = sluice("prompts", "diff", name, "--live", "1", "--good", "1").out
    assert "  one\n- two\n+ 2\n" in shown
    assert "parameters.temperature: 0 → 1" in shown
    assert "(good)" in shown
    found = told(sluice("prompts", "diff", name, "--live", "1", "--json").out)
    assert (found["candidate"], found["live"]) == (2, 1)


def test_a_branch_is_forked_and_merged(sluice: Sluice, name: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    sluice("prompts", "save", write(file, "one"), "--name", name)
    assert "save to it with --branch terse" in sluice("prompts", "fork", name, "terse", "--from", "1").out
    sluice("prompts", "save", write(file, "1"), "--name", name, "--branch", "terse")
    sluice("prompts", "save", write(file, "eins"), "--name", name)
    sluice("prompts", "fork", name, "other")
    assert re.fullmatch(r"other is closed, at version \d+\n", sluice("prompts", "close", name, "other").out)
    clash = sluice("prompts", "merge", name, "terse")
    assert (clash.code, "<<<<<<< main\neins\n=======\n1\n>>>>>>> terse" in clash.err) == (1, True)
    merged = told(sluice("prompts", "merge", name, "terse", write(file, "uno"), "-m", "Both.", "--json").out)
    assert (merged["version"], merged["merged"], merged["message"]) == (4, 2, "Both.")
    sluice("prompts", "fork", name, "next")
    assert f"main is at {name}@4" in sluice("prompts", "merge", name, "next").out


def test_production_is_somebody_else_s_to_say(
    sluice: Sluice, name: str, approver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sluice("prompts", "save", write(tmp_path / "a.yaml", "one"), "--name", name)
    mine = sluice("prompts", "label", name, "production", "1", "-r", "Mine.")
    assert (mine.code, "somebody else than the author" in mine.err) == (1, True)
    assert "staging of" in sluice("prompts", "label", name, "staging", "1").out
    monkeypatch.setenv("SLUICE_KEY", approver)
    moved = sluice("prompts", "label", name, "production", "1", "-r", "Tried.")
    assert f"production of {name}: nothing → 1" in moved.out
    listed = sluice("prompts", "labels", name).out
    assert "carol" in listed
    assert "Tried." in listed
    gone = told(sluice("prompts", "unlabel", name, "production", "-r", "A mistake & more", "--json").out)
    assert (gone["before"], gone["after"], gone["reason"]) == (1, None, "A mistake & more")


def test_a_label_is_protected_and_no_longer(sluice: Sluice, name: str) -> None:
    assert "canary is protected" in sluice("prompts", "protect", "canary").out
    assert "canary is no longer protected" in sluice("prompts", "protect", "canary", "--off").out


def test_people_say_what_they_think(sluice: Sluice, name: str, tmp_path: Path) -> None:
    sluice("prompts", "save", write(tmp_path / "a.yaml", "one"), "--name", name)
    assert "Nobody said anything yet" in sluice("prompts", "comments", name).out
    assert f"said of {name}@1" in sluice("prompts", "comment", name, "Too short.").out
    assert "Too short." in sluice("prompts", "comments", name).out


def test_messages_are_rendered(sluice: Sluice, name: str, tmp_path: Path) -> None:
    variables = {"who": "string", "items": {"type": "array"}}
    content = "{{ who }}: {{ items | join(', ') }}"
    sluice("prompts", "save", write(tmp_path / "a.yaml", content, variables=variables), "--name", name)
    rendered = sluice("prompts", "render", f"{name}@1", "-v", "who=Ada", "-v", 'items=["a", "b"]')
    assert rendered.out == "--- user\nAda: a, b\n"
    refused = sluice("prompts", "render", name, "-v", "who")
    assert (refused.code, "write NAME=VALUE" in refused.err) == (1, True)


def test_an_id_from_elsewhere_names_a_prompt(sluice: Sluice, name: str, tmp_path: Path) -> None:
    sluice("prompts", "save", write(tmp_path / "a.yaml", "one"), "--name", name)
    alias = name.replace("/", "_")
    assert f"{alias} is {name}" in sluice("prompts", "alias", alias, name).out
    assert told(sluice("prompts", "show", alias, "--json").out)["name"] == name
