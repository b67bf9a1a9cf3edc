"""Whatever is in a name, a command asks its own route for that name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer

from gateway.cli.main import cli
from tests.answering import Told, answering
from tests.cli.conftest import Sluice
from tests.running import Gateway

ODD = ("x/../y", "..", "a?b=c#d e%2e%2e")
PROMPT = "/admin/prompts/greet"

NAMED = {
    "endpoints show": ("{}", "GET /admin/endpoints/{}"),
    "endpoints gate set": ("{} --file plan.yaml", "PUT /admin/endpoints/{}/gate"),
    "endpoints gate remove": ("{} --reason why", "PUT /admin/endpoints/{}/gate"),
    "endpoints gate approve": ("{}", "POST /admin/gate-changes/{}/approve"),
    "endpoints gate reject": ("{}", "POST /admin/gate-changes/{}/reject"),
    "endpoints review": ("{} --note fine", "POST /admin/breakings/{}/review"),
    "rollback": ("{} --reason why", "POST /admin/endpoints/{}/rollback"),
    "break-glass": ("{} --release digest --reason why", "POST /admin/endpoints/{}/break-glass"),
    "evidence show": ("{}", "GET /admin/evidence/{}"),
    "evidence overview": ("{}", "GET /admin/evidence/{}/overview"),
    "decisions show": ("{}", "GET /admin/decisions/{}"),
    "releases show": ("{}", "GET /admin/releases/{}"),
    "policies show": ("{}", "GET /admin/policies/{}"),
    **{f"rollouts {name}": ("{}", "GET /admin/rollouts/{}") for name in ("show", "watch")},
    **{
        f"rollouts {name}": ("{}", f"POST /admin/rollouts/{{}}/{name}")
        for name in ("submit", "pause", "resume", "abort", "approve", "reject")
    },
    "rollouts meet": ("{} 1", "POST /admin/rollouts/{}/conditions/1/meet"),
    "webhooks change": ("{}", "PATCH /admin/webhooks/{}"),
    "webhooks delete": ("{}", "DELETE /admin/webhooks/{}"),
    "webhooks test": ("{}", "POST /admin/webhooks/{}/test"),
    "webhooks deliveries": ("{}", "GET /admin/webhooks/{}/deliveries"),
    "webhooks redeliver": ("{} 1", "POST /admin/webhooks/{}/deliveries/1/redeliver"),
    "reviews show": ("{}", "GET /admin/reviews/{}"),
    "reviews decide": ("{} dismiss", "POST /admin/reviews/{}"),
    "reviews undo": ("{}", "POST /admin/review-decisions/{}/undo"),
    "prompts from-call": ("{}", "GET /admin/calls/{}/prompt"),
    "prompts alias": ("{} greet", "PUT /admin/prompt-aliases/{}"),
    "prompts protect": ("{}", "PUT /admin/protected-labels/{}"),
    "prompts label": ("greet {} 1", f"PUT {PROMPT}/labels/{{}}"),
    "prompts unlabel": ("greet {}", f"DELETE {PROMPT}/labels/{{}}"),
    "prompts merge": ("greet {}", f"POST {PROMPT}/branches/{{}}/merge"),
    "prompts close": ("greet {}", f"DELETE {PROMPT}/branches/{{}}"),
    "prompts show": ("greet@{}", f"GET {PROMPT}/versions/{{}}"),
    "prompts export": ("greet@{} --to yaml", f"GET {PROMPT}/versions/{{}}"),
}
"""What is typed after each command, and what it asks for; the name stands for {}."""
PROMPTS = {
    "prompts show": ("{}", "GET /admin/prompts/{}"),
    "prompts diff": ("{}", "GET /admin/prompts/{}/diff"),
    "prompts fork": ("{} warm", "POST /admin/prompts/{}/branches"),
    "prompts merge": ("{} warm", "POST /admin/prompts/{}/branches/warm/merge"),
    "prompts close": ("{} warm", "DELETE /admin/prompts/{}/branches/warm"),
    "prompts render": ("{}", "POST /admin/prompts/{}/render"),
    "prompts labels": ("{}", "GET /admin/prompts/{}/labels"),
    "prompts label": ("{} staging 1", "PUT /admin/prompts/{}/labels/staging"),
    "prompts unlabel": ("{} staging", "DELETE /admin/prompts/{}/labels/staging"),
    "prompts comments": ("{}", "GET /admin/prompts/{}/comments"),
    "prompts comment": ("{} text", "POST /admin/prompts/{}/comments"),
    "prompts export": ("{} --to yaml", "GET /admin/prompts/{}/versions/latest"),
    "prompts save": ("plan.yaml --name {}", "POST /admin/prompts/{}"),
}
"""Where the name is a prompt's."""
IN_NO_PATH = {
    *("decisions record", "evidence list", "evidence post", "feedback", "prompts import", "prompts search"),
    *("prompts sync", "rollouts propose", "value", "webhooks create"),
}
"""Commands whose arguments go into a body or a query, or are names of files."""


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    with answering() as started:
        monkeypatch.setenv("SLUICE_URL", started.url)
        monkeypatch.setenv("SLUICE_KEY", "sk-test")
        started.answer(404, {"error": {"message": "There is none.", "type": "x", "param": None, "code": "not_found"}})
        yield started


def asked(sluice: Sluice, told: Told, command: str, typed: str, name: str) -> str:
    """The method and the path that the server saw, decoded segment by segment, if there was but one."""
    Path("plan.yaml").write_text("messages: [{role: user, content: Hi.}]")
    arguments = [part.format(name) if "{}" in part else part for part in typed.split()]
    told.asked.clear()
    done = sluice(*command.split(), *arguments)
    assert (done.code, done.err.strip()) == (1, "sluice: There is none."), (command, done)
    [one] = told.asked
    path = one.path.split("?")[0]
    assert not {".", ".."}.intersection(path.split("/"))
    return f"{one.method} {path}"


@pytest.mark.parametrize("command", NAMED)
def test_a_name_stays_a_name(sluice: Sluice, told: Told, command: str) -> None:
    typed, route = NAMED[command]
    for name in ODD:
        sent = asked(sluice, told, command, typed, name).split("/")
        wanted = route.split("/")
        assert [unquote(part) for part in sent] == [part.format(name) for part in wanted], (command, name)


@pytest.mark.parametrize("command", PROMPTS)
def test_a_prompt_stays_a_prompt(sluice: Sluice, told: Told, command: str) -> None:
    typed, route = PROMPTS[command]
    for name in ("support/a?b=c#d e", "%2e%2e"):
        assert unquote(asked(sluice, told, command, typed, name)) == route.format(name)
    told.asked.clear()
    for name in ("x/../y", "greet/labels"):
        done = sluice(*command.split(), *(part.format(name) for part in typed.split()))
        assert (done.code, f"'{name}' is no name of a prompt." in done.err, told.asked) == (1, True, [])


def remote(command: Any, name: str = "") -> Iterator[str]:
    """The commands that ask a gateway for what is said in arguments."""
    for below, one in getattr(command, "commands", {}).items():
        yield from remote(one, f"{name} {below}".strip())
    taken = {(one.param_type_name, one.name == "url") for one in command.params}
    if taken >= {("argument", False), ("option", True)}:
        yield name


def test_every_command_is_here() -> None:
    assert set(remote(typer.main.get_command(cli))) == {*NAMED, *PROMPTS, *IN_NO_PATH}


def test_no_command_reaches_another_name(sluice: Sluice, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_URL", gateway.url)
    monkeypatch.setenv("SLUICE_KEY", gateway.key)
    assert sluice("endpoints", "show", "support-bot").code == 0
    done = sluice("endpoints", "show", "x/../support-bot")
    assert (done.code, done.out) == (1, "")
