"""`sluice policies`: what was declared, as people read it, as machines do, and as a manifest takes it again."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
import yaml

from gateway.client import Client
from guardrails.policy import parse
from tests.answering import answering
from tests.cli.conftest import Sluice
from tests.running import Gateway

WORDS = {"guard": "patterns", "name": "words", "words": ["frobozz"], "action": "block"}
HOUSE = {
    "about": "Mind the \x1b[31m words: grün, a\u200bb.",
    "context": [],
    "input": ["secrets", WORDS],
    "output": ["secrets"],
}
DIGEST = parse(HOUSE).digest


@pytest.fixture
def here(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_URL", gateway.url)
    monkeypatch.setenv("SLUICE_KEY", gateway.key)
    with Client(gateway.url, gateway.key) as root:
        endpoints = {"read-back": {"upstream": "demo", "policy": "read-back"}}
        root.releases.apply({"policies": {"read-back": HOUSE}, "endpoints": endpoints})


@pytest.mark.usefixtures("here")
def test_the_list(sluice: Sluice) -> None:
    (line,) = [line for line in sluice("policies", "list").out.splitlines() if line.startswith(DIGEST[:12])]
    assert "input: secrets, words; output: secrets" in line
    assert line.count("read-back") == 2
    (told,) = [one for one in sluice("policies", "list", "--json").listed if one["digest"] == DIGEST]
    assert (told["current"], told["live"]) == (["read-back"], ["read-back"])
    assert len(sluice("policies", "list", "-n", "1", "--json").listed) == 1


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("called", ["read-back", DIGEST, DIGEST[:8]])
def test_one_is_shown_and_goes_back_into_a_manifest(sluice: Sluice, tmp_path: Path, called: str) -> None:
    done = sluice("policies", "show", called)
    assert done.out.splitlines()[0].split() == ["digest", DIGEST]
    assert "\x1b" not in done.out
    assert orjson.loads(sluice("policies", "show", called, "--json").out)["policy"] == parse(HOUSE).as_json()
    alone = sluice("policies", "show", called, "--yaml").out
    assert parse(yaml.safe_load(alone)).digest == DIGEST
    assert "name: null" not in alone
    (tmp_path / "policy.yaml").write_text(alone)
    assert sluice("guard", "check", "policy.yaml").code == 0


@pytest.mark.usefixtures("here")
def test_one_that_there_is_not(sluice: Sluice) -> None:
    done = sluice("policies", "show", "nothing")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("sluice: There is no guard policy 'nothing'")


def test_what_is_not_the_same_without_its_defaults_is_shown_whole(
    sluice: Sluice, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"about": "", "dry_run": False, "input": [{"guard": "of-a-plug-in", "name": None}]}
    brief = {"digest": "a" * 64, "names": [], "current": [], "about": "", "dry_run": False, "guards": {}}
    shown = {**brief, "created": 1.0, "author": "ada", "live": [], "tried": [], "policy": held}
    with answering() as gateway:
        gateway.answer(200, shown)
        monkeypatch.setenv("SLUICE_URL", gateway.url)
        monkeypatch.setenv("SLUICE_KEY", "sk-x")
        said = sluice("policies", "show", "a" * 64, "--yaml").out
    assert json.loads(json.dumps(yaml.safe_load(said))) == held
