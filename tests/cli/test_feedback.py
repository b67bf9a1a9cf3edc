"""`sluice feedback` and `sluice prompts from-call`: a bad call, said to be bad, and its prompt mended from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml

from tests.cli.conftest import Done, Sluice
from tests.running import MANIFEST, Gateway, running_gateway

ASKED = {
    "model": "greeter",
    "messages": [{"role": "user", "content": "Hello,\nthere."}],
    "prompt": {"variables": {"name": "Ada"}},
}


@pytest.fixture(scope="session")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that keeps what is said."""
    upstreams = {"demo": {"provider": "scripted", "rules": [{"say": "Go away."}]}}
    folder = tmp_path_factory.mktemp("listening")
    with running_gateway(folder, upstreams, MANIFEST, content={"capture": "full"}) as started:
        yield started


@pytest.fixture
def call(listening: Gateway, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that was served badly, its content kept. Commands go to its gateway."""
    monkeypatch.setenv("SLUICE_URL", listening.url)
    monkeypatch.setenv("SLUICE_KEY", listening.key)
    reply = httpx.post(f"{listening.api}/chat/completions", json=ASKED, headers=listening.headers)
    found: str = reply.headers["x-request-id"]
    listening.record(found)
    return found


def told(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(done.out)
    return found


def drafted(text: str) -> tuple[str, dict[str, Any]]:
    """The comments of a draft, and what it says."""
    comments = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    return comments, yaml.safe_load(text)


def test_said_and_looked_up(sluice: Sluice, call: str) -> None:
    said = sluice("feedback", call, "--score", "0", "--value", "-1.5", "--correction", "Dear Ada,\nhello.")
    assert said.code == 0, said.err
    assert call in said.out
    assert "-1.50" in said.out
    assert sluice("feedback", call, "--score", "1", "--source", "judge", "--metric", "tone").code == 0
    found = sluice("feedback", call)
    assert ("Dear Ada" in found.out, "tone" in found.out, "judge" in found.out) == (True, True, True)
    shown = told(sluice("feedback", call, "--metric", "helpful", "--json"))
    assert [(one["score"], one["value"], one["source"]) for one in shown["data"]] == [(0.0, -1_500_000, "person")]


def test_said_in_json(sluice: Sluice, call: str) -> None:
    said = told(sluice("feedback", call, "--minutes-saved", "3", "--outcome", "resolved", "--json"))
    assert (said["call"], said["minutes_saved"], said["outcome"], said["bound"]) == (call, 3.0, "resolved", True)


def test_nothing_said_of_it(sluice: Sluice, call: str) -> None:
    assert "Nobody has said anything" in sluice("feedback", call).out


def test_of_no_call(sluice: Sluice, call: str) -> None:
    refused = sluice("feedback", "chatcmpl-1", "--score", "1")
    assert (refused.code, "x-request-id" in refused.err) == (1, True)


@pytest.mark.usefixtures("call")
def test_of_a_call_that_is_on_its_way(sluice: Sluice) -> None:
    assert "on its way" in sluice("feedback", "req_0000000000000000", "--score", "1").out


def test_a_prompt_mended_from_a_bad_call(sluice: Sluice, call: str, tmp_path: Path) -> None:
    sluice("feedback", call, "--score", "0", "--comment", "Rude.", "--correction", "Dear Ada,\nhello.")
    done = sluice("prompts", "from-call", call, "-o", "draft.yaml")
    assert done.code == 0, done.err
    assert "sluice prompts save draft.yaml" in done.out
    comments, draft = drafted((tmp_path / "draft.yaml").read_text())
    assert [line for line in comments.splitlines() if "req_" in line] == [f"# From {call}, which greeter@1 served."]
    for words in ("#   there.", "#   Go away.", "helpful 0", "#   Rude.", "#   Dear Ada,\n#   hello."):
        assert words in comments
    assert draft["name"] == "greeter"
    assert draft["messages"][0] == {"role": "system", "content": "Be {{ tone }}."}
    assert draft["variables"]["properties"]["name"]["examples"] == ["Ada"]
    assert "examples" not in draft["variables"]["properties"]["tone"]
    draft["messages"][0]["content"] += " Greet them by their name,\nand gladly."
    (tmp_path / "draft.yaml").write_text(yaml.safe_dump(draft))
    saved = sluice("prompts", "save", "draft.yaml", "--parent", "1", "-m", "It sent people away.")
    assert saved.code == 0, saved.err
    assert "greeter@2" in saved.out


def test_shown_where_no_file_is_named(sluice: Sluice, call: str) -> None:
    _, draft = drafted(sluice("prompts", "from-call", call).out)
    assert draft["name"] == "greeter"
    assert told(sluice("prompts", "from-call", call, "--json"))["variables"] == {"name": "Ada"}


def test_there_is_no_prompt_to_mend(sluice: Sluice, listening: Gateway, call: str) -> None:
    reply = httpx.post(f"{listening.api}/chat/completions", json={**ASKED, "model": "demo"}, headers=listening.headers)
    assert reply.status_code == 400
    body = {"model": "support-bot", "messages": ASKED["messages"]}
    plain = httpx.post(f"{listening.api}/chat/completions", json=body, headers=listening.headers)
    listening.record(plain.headers["x-request-id"])
    refused = sluice("prompts", "from-call", plain.headers["x-request-id"])
    assert (refused.code, "without a prompt" in refused.err) == (1, True)
    assert sluice("prompts", "from-call", "req_none").code == 1


def test_a_file_that_cannot_be_written(sluice: Sluice, call: str) -> None:
    refused = sluice("prompts", "from-call", call, "-o", "no/such/folder.yaml")
    assert (refused.code, "cannot be written" in refused.err) == (1, True)
