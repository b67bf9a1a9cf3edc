"""What the product is for, from end to end: a bad canary takes itself back, and a bad call leads to a better prompt."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gateway.client import Client
from gateway.client.results import Rollout
from tests.client.people import key
from tests.running import SLUICE, Gateway

CANARY = {"steps": [0.5], "units": 1000, "at_least": "0s", "settle": "0s", "errors": 0.1}
BLIND = {"blocked": None, "slow_p50": None, "slow_p95": None, "cost": None}
"""Errors alone are looked at."""


@pytest.fixture
def ada(gateway: Gateway) -> Iterator[Client]:
    with Client(gateway.url, key(gateway, "ada", "editor")) as client:
        yield client


def serve(ada: Client, name: str, content: str) -> None:
    """An endpoint that serves a prompt of its name."""
    draft = {"messages": [{"role": "user", "content": content}]}
    ada.releases.apply({"prompts": {name: draft}, "endpoints": {name: {"prompt": name, "upstream": "demo"}}})


def ask(gateway: Gateway, endpoint: str, conversation: str) -> httpx.Response:
    headers = {**gateway.headers, "x-sluice-conversation": conversation}
    body = {"model": endpoint, "messages": []}
    return httpx.post(f"{gateway.api}/chat/completions", json=body, headers=headers)


def came_to(
    rollout: Callable[[], Rollout], holds: Callable[[Rollout], bool], meanwhile: Callable[[int], Any]
) -> Rollout:
    """The rollout once that holds of it; `meanwhile` clients go on."""
    for number in range(400):
        if holds(found := rollout()):
            return found
        meanwhile(number)
        time.sleep(0.02)
    raise AssertionError(found)


def test_a_bad_canary_takes_itself_back(gateway: Gateway, ada: Client) -> None:
    serve(ada, "story-canary", "Greet me.")
    live = ada.endpoints.get("story-canary").release
    ada.prompts.save("story-canary", {"messages": [{"role": "user", "content": "Be broken."}]}, "A slip.")
    proposed = ada.rollouts.propose(
        "story-canary",
        change={"prompt": "story-canary@2"},
        plan={"canary": {**CANARY, **BLIND}},
        reason="Better.",
        submit=True,
    )
    ended = came_to(
        lambda: ada.rollouts.get(proposed.id),
        lambda rollout: not rollout.open,
        lambda number: ask(gateway, "story-canary", f"story {number}"),
    )
    assert (ended.state, ended.history[-1].by) == ("rolled_back", "sluicegate")
    assert "errors" in ended.why
    assert ada.endpoints.get("story-canary").release == live
    [decision] = ada.decisions.list("story-canary")
    assert (decision.outcome, decision.release) == ("no_go", proposed.release)
    time.sleep(1.3)  # running gateways notice within a second
    assert {ask(gateway, "story-canary", f"later {number}").status_code for number in range(20)} == {200}


def test_a_bad_call_leads_to_a_better_prompt(gateway: Gateway, ada: Client, tmp_path: Path) -> None:
    serve(ada, "story-call", "Greet me.")
    live = ada.endpoints.get("story-call").release
    call = ask(gateway, "story-call", "story").headers["x-request-id"]
    gateway.record(call)
    with Client(gateway.url, gateway.key) as root:
        root.feedback.give(call, score=0, comment="Too cold.")
    file = tmp_path / "draft.yaml"
    sluice(gateway, "prompts", "from-call", call, "-o", str(file))
    draft = yaml.safe_load(file.read_text())
    assert draft["messages"] == [{"role": "user", "content": "Greet me."}]
    file.write_text(file.read_text().replace("Greet me.", "Greet me warmly."))
    sluice(gateway, "prompts", "save", str(file), "-m", f"After {call}.")
    assert [(version.version, version.message) for version in ada.prompts.history("story-call").versions] == [
        (2, f"After {call}."),
        (1, ""),
    ]
    assert ada.endpoints.get("story-call").release == live


def sluice(gateway: Gateway, *arguments: str) -> None:
    env = {**os.environ, "SLUICE_URL": gateway.url, "SLUICE_KEY": gateway.key}
    subprocess.run([SLUICE, *arguments], env=env, check=True, capture_output=True, timeout=60)
