"""What the product is for, end to end and on both databases: a prompt comes to production by evidence, a bad canary
takes itself back, and a bad call leads to a better prompt."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml

from gateway.client import Client
from gateway.client.results.rollouts import Rollout
from tests.client.people import key
from tests.running import RULES, SLUICE, Gateway, running_gateway
from tests.store.conftest import STORES, server

__all__ = ["server"]

SUITE = "5" * 64

CANARY = {"steps": [0.5], "units": 1000, "at_least": "0s", "settle": "0s", "harm_for": "0s", "errors": 0.1}
BLIND = {"blocked": None, "slow_p50": None, "slow_p95": None, "cost": None}
"""Errors alone are looked at."""


@pytest.fixture(scope="module", params=STORES)
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    kept: dict[str, Any] = {"content": {"capture": "full"}}
    if request.param == "postgresql":
        kept["database"] = STORES["postgresql"](request)
    upstreams = {"demo": {"provider": "scripted", "rules": RULES}}
    with running_gateway(tmp_path_factory.mktemp("stories"), upstreams, **kept) as started:
        yield started


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


def as_rollout(said: str) -> Rollout:
    return msgspec.json.decode(said, type=Rollout)


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


def test_a_prompt_comes_to_production(gateway: Gateway, tmp_path: Path) -> None:
    """By the commands, each as whoever gives it."""
    names = {"ada": "editor", "grace": "approver", "ci": "evaluator"}
    keys = {name: key(gateway, name, role) for name, role in names.items()}

    def run(who: str, *arguments: str) -> str:
        return sluice(gateway, *arguments, as_=keys[who])

    def tell(name: str, held: Any) -> str:
        (tmp_path / name).write_text(json.dumps(held))
        return str(tmp_path / name)

    with Client(gateway.url, gateway.key) as root:
        serve(root, "story-way", "Greet me.")
    gate = tell("gate.json", {"requires": [{"metric": "accuracy", "suite": SUITE, "margin": 0.05}]})
    sluice(gateway, "endpoints", "gate", "set", "story-way", "-f", gate)
    draft = tell("draft.json", {"messages": [{"role": "user", "content": "Greet me warmly."}]})
    run("ada", "prompts", "save", draft, "--name", "story-way", "-m", "Warmer.")
    assert "warmly" in run("ada", "prompts", "diff", "story-way", "--candidate", "2", "--live", "1")
    plan = tell("plan.json", {"canary": {**CANARY, **BLIND, "units": 20}})
    asked = ("--prompt", "story-way@2", "--plan", plan, "--reason", "Warmer.", "--submit", "--json")
    proposed = json.loads(run("ada", "rollouts", "propose", "story-way", *asked))
    items = [{"id": f"i{n}", "candidate": {"accuracy": 1}, "baseline": {"accuracy": n % 2}} for n in range(60)]
    made = {"suite": SUITE, "dataset": "d" * 64, "made": time.time(), "items": items}
    run(
        "ci",
        "evidence",
        "post",
        tell("run.json", {"release": proposed["release"], "baseline": proposed["control"], **made}),
    )
    run("grace", "rollouts", "approve", proposed["id"], "--note", "Read it.")
    ended = came_to(
        lambda: as_rollout(run("ada", "rollouts", "show", proposed["id"], "--json")),
        lambda rollout: not rollout.open,
        lambda number: [ask(gateway, "story-way", f"way {number} {each}") for each in range(15)],
    )
    assert (ended.state, ended.why) == ("live", "Shown to be within its margins on all that is watched.")
    assert ask(gateway, "story-way", "after").headers["x-sluice-release"] == proposed["release"]
    assert '"outcome": "go"' in run("ada", "decisions", "list", "--endpoint", "story-way", "--json")
    sluice(gateway, "rollback", "story-way", "--reason", "It is too warm.")
    assert ask(gateway, "story-way", "back").headers["x-sluice-release"] == proposed["control"]
    assert "all as they were written" in gateway.sluice("audit", "verify").stdout


def sluice(gateway: Gateway, *arguments: str, as_: str | None = None) -> str:
    env = {**os.environ, "SLUICE_URL": gateway.url, "SLUICE_KEY": as_ or gateway.key}
    done = subprocess.run([SLUICE, *arguments], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
