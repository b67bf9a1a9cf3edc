"""`sluice reviews`: from a call that a guard stopped to an example, a sample, and a policy that lets it through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import pytest
import yaml

from evals.datasets.jsonl import JsonLines
from tests.cli.conftest import Sluice
from tests.running import Gateway, running_gateway
from tests.waiting import wait_until

MANIFEST = """
policies:
  strict:
    input:
      - {guard: patterns, name: words, words: [frobozz], action: block}
      - {guard: patterns, name: mild, words: [xyzzy], action: flag}
endpoints:
  bot: {upstream: demo, policy: strict}
"""
HARMLESS = "What does frobozz mean?\nAnd plugh?"


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that keeps what is said."""
    upstreams = {"demo": {"provider": "scripted"}}
    folder = tmp_path_factory.mktemp("reviewing")
    with running_gateway(folder, upstreams, MANIFEST, content={"capture": "full"}) as started:
        yield started


@pytest.fixture
def call(listening: Gateway, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that was stopped, its content kept. Commands go to its gateway."""
    monkeypatch.setenv("SLUICE_URL", listening.url)
    monkeypatch.setenv("SLUICE_KEY", listening.key)
    return ask(listening, HARMLESS)


def ask(gateway: Gateway, said: str) -> str:
    body = {"model": "bot", "messages": [{"role": "user", "content": said}]}
    reply = httpx.post(f"{gateway.api}/chat/completions", json=body, headers=gateway.headers)
    found: str = reply.headers["x-request-id"]
    kept = f"{gateway.url}/admin/calls/{found}/content"
    wait_until(lambda: httpx.get(kept, headers=gateway.headers).status_code == 200)
    gateway.record(found)
    return found


def test_listed_shown_and_dismissed(sluice: Sluice, call: str) -> None:
    listed = sluice("reviews", "list")
    assert listed.code == 0, listed.err
    [row] = [line.split() for line in listed.out.splitlines() if call in line]
    assert row[2:] == [call, "bot", "block", "words", "1.000", "messages.0.content"]
    shown = sluice("reviews", "show", call)
    assert "words  input  block  1.000  messages.0.content" in shown.out
    assert "  What does frobozz mean?\n  And plugh?\n" in shown.out
    done = sluice("reviews", "decide", call, "dismiss", "-m", "As it should be.")
    assert (done.code, "dismiss" in done.out) == (0, True), done.err
    assert call not in sluice("reviews", "list").out
    assert call in sluice("reviews", "list", "--all", "--guard", "words", "--action", "block", "--endpoint", "bot").out
    assert "As it should be." in sluice("reviews", "show", call).out
    assert "decided so before" in sluice("reviews", "decide", call, "dismiss").out


def test_an_example_is_written_for_training(sluice: Sluice, call: str, tmp_path: Path) -> None:
    done = sluice("reviews", "decide", call, "example", "--label", "harmless", "--lang", "en", "--kind", "question")
    assert done.code == 0, done.err
    written = sluice("reviews", "examples", "-o", "examples.jsonl")
    assert "written to examples.jsonl" in written.out
    rows = [orjson.loads(line) for line in (tmp_path / "examples.jsonl").read_text().splitlines()]
    assert {"text", "label", "kind", "guard", "source", "lang", "made"} == rows[-1].keys()
    assert (rows[-1]["text"], rows[-1]["label"], rows[-1]["kind"]) == (HARMLESS, 0, "question")
    scored = sluice("guard", "score", "examples.jsonl", "--guard", "urls", "-o", "scored.jsonl")
    assert scored.code == 0, scored.err
    assert sluice("reviews", "examples", "--guard", "other").out == ""
    assert sluice("reviews", "examples", "-o", "no/such/folder").code == 1


def test_a_sample_is_a_row_for_evals(sluice: Sluice, call: str, tmp_path: Path) -> None:
    assert sluice("reviews", "decide", call, "sample", "--label", "harmless").code == 0
    assert sluice("reviews", "samples", "-o", "samples.jsonl").code == 0
    rows = list(JsonLines(kind="jsonl", path="samples.jsonl").rows(tmp_path))
    assert [row.value["expected"] for row in rows if row.value["id"] == call] == [{"refuse": False}]


def test_let_through_by_a_policy_that_is_to_be_proposed(sluice: Sluice, call: str, tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text(HARMLESS + "\n")
    done = sluice("reviews", "decide", call, "allow", "--text-file", "said.txt", "-m", "A question.")
    assert done.code == 0, done.err
    [rule] = yaml.safe_load(done.out.partition("`allow`:\n")[2].partition("The policy")[0])
    assert (rule["guard"], rule["reason"], len(rule["sha256"])) == ("words", "A question.", 64)
    assert "sluice rollouts propose bot --policy " in done.out
    decision = done.out.split()[0]
    undone = sluice("reviews", "undo", decision)
    assert (undone.code, "Undone." in undone.out, "needs no change" in undone.out) == (0, True, True), undone
    assert "undone before" in sluice("reviews", "undo", decision).out


def test_what_is_wrong_is_said(sluice: Sluice, call: str, tmp_path: Path) -> None:
    assert "needs a label, attack or harmless (--label)" in sluice("reviews", "decide", call, "example").err
    assert "no such file" in sluice("reviews", "decide", call, "allow", "--text-file", "none.txt").err.lower()
    (tmp_path / "latin.txt").write_bytes(b"\xe9")
    assert "not UTF-8" in sluice("reviews", "decide", call, "allow", "--text-file", "latin.txt").err
    assert sluice("reviews", "decide", call, "promote").code == 2
    assert sluice("reviews", "show", "req_none").code == 1
