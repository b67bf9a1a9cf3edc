"""No way through the admin API, and none through a manifest or the database, puts in front of clients what did not pass
the gate of a protected endpoint. And whatever was done on the way is in the audit log."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import insert, text, update

from gateway.jobs.rollouts import Controller
from gateway.releases.build import Change, make
from gateway.store import audit
from gateway.store.tables.rollouts import rollouts
from gateway.store.tables.serving import endpoints, warrants
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio

SUITE = "5" * 64
MANIFEST = f"""
endpoints:
  bot:
    upstream: demo
    gate: {{requires: [{{metric: accuracy, suite: "{SUITE}", margin: 0.02}}]}}
"""
LIVE = "endpoints: {bot: {upstream: demo}}"
UPSTREAMS = {"demo": {"provider": "scripted"}, "spare": {"provider": "scripted"}}
CHANGES_NOTHING = frozenset(("/admin/prompts/{name:path}/render",))
"""Asked with POST for the size of what they take; nothing to be written down."""
ASKED = {"model": "bot", "messages": [{"role": "user", "content": "Hi."}]}


async def served(running: Inside, headers: dict[str, str]) -> str | None:
    reply = await running.client.post("/v1/chat/completions", headers=headers, json=ASKED)
    return reply.headers.get("x-sluice-release")


async def ungated(running: Inside) -> str:
    """A release that nothing is known of."""
    change = Change.model_validate({"upstream": "spare", "parameters": {"temperature": 1}})
    here = running.services.installation
    made = await running.services.write(lambda connection: make(connection, None, change, here, "mallory"))
    return made.digest


def bodies(release: str) -> list[Any]:
    """What somebody might send, wherever it is taken."""
    straight = {"shadow": None, "canary": None}
    return [
        None,
        {},
        {"reason": "now"},
        {"reason": "now", "to": release},
        {"release": release, "reason": "now"},
        {"endpoint": "bot", "release": release, "reason": "now", "submit": True, "plan": straight},
        {"endpoint": "bot", "change": {"upstream": "spare"}, "plan": straight, "submit": True},
        {"gate": None, "reason": "in my way"},
        {"gate": {"requires": [{"metric": "accuracy", "suite": SUITE, "at_least": 0}], "approvals": 0}},
        {"note": "fine", "conditions": []},
        {"endpoint": "bot", "release": release, "outcome": "go", "reason": "I say so"},
        {"upstream": "spare"},
        "endpoints: {bot: {upstream: spare, parameters: {temperature: 1}}}",
        "endpoints: {bot: {upstream: spare, parameters: {temperature: 1}, gate: null}}",
    ]


def changes(running: Inside) -> list[tuple[str, str]]:
    """Every route that changes something."""
    found = []
    for context in iter_route_contexts(running.admin.routes):
        found += [(method, str(context.path)) for method in context.methods or () if method not in ("GET", "HEAD")]
    assert len(found) > 30
    return sorted(found)


async def known(running: Inside, headers: dict[str, str], path: str, name: str) -> str:
    """An id that there is, for a placeholder of a path."""
    lists = {"rollout_id": "/admin/rollouts", "change_id": "/admin/gate-changes", "breaking_id": "/admin/breakings"}
    if name in lists:
        data = (await running.client.get(lists[name], headers=headers)).json()["data"]
        return str(data[0]["id"]) if data else "none"
    return "1" if name in ("number", "version") else "bot" if "/endpoints/" in path else "none"


@pytest.mark.parametrize("seed", range(2))
async def test_no_route_makes_a_protected_endpoint_serve_the_ungated(tmp_path: Path, seed: int) -> None:
    """One person with every role, in any order, with anything they might send."""
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        await running.apply(LIVE)
        await running.apply(MANIFEST)
        bad = await ungated(running)
        mallory = await running.key("admin", "editor", "approver", "evaluator", owner="mallory")
        good = await served(running, mallory)
        assert good not in (None, bad)
        services = running.services
        controller = Controller(services.store, services.auditor, lambda: services.installation)
        tried = [(method, path, body) for method, path in changes(running) for body in bodies(bad)]
        random.Random(seed).shuffle(tried)
        answered, done = set(), set()
        for step, (method, route, body) in enumerate(tried):
            path = route
            for name in re.findall(r"{(\w+)(?::path)?}", path):
                found = await known(running, mallory, path, name)
                path = re.sub(rf"{{{name}(:path)?}}", found, path)
            before = await services.read(audit.last)
            what: dict[str, Any] = {"content": body} if isinstance(body, str) else {"json": body}
            reply = await running.client.request(method, path, headers=mallory, **what)
            answered.add(reply.status_code)
            if reply.is_success and route not in CHANGES_NOTHING:
                after = await services.read(audit.last)
                assert after is not None
                assert before is None or after.seq > before.seq, (method, path, body)
                done.add(route)
            if step % 10 == 0:
                await asyncio.to_thread(controller.tick)
                await services.refresher.refresh()
            assert await served(running, mallory) == good, (method, path, body)
        assert {200, 201} <= answered
        assert done  # it did do things
        assert 500 not in answered


async def test_no_row_in_the_database_makes_it_serve_the_ungated(tmp_path: Path) -> None:
    """Without the installation's secret, whoever writes to the database can only make the endpoint refuse."""
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        await running.apply(LIVE)
        await running.apply(MANIFEST)
        bad = await ungated(running)
        headers = await running.key()
        forged = {"endpoint": "bot", "release": bad, "body": "{}", "signature": "c2lnbmVk"}

        def write(connection: Any) -> None:
            connection.execute(update(endpoints).values(release=bad))
            connection.execute(insert(warrants).values(**forged))
            connection.execute(text("UPDATE revision SET number = number + 1"))

        await running.services.write(write)
        reply = await running.client.post("/v1/chat/completions", headers=headers, json=ASKED)
        assert reply.status_code == 503
        assert "signed by this installation" in reply.json()["error"]["message"]


async def test_no_rollout_row_makes_it_serve_the_ungated(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        await running.apply(LIVE)
        await running.apply(MANIFEST)
        bad = await ungated(running)
        editor = await running.key("editor", owner="ada")
        good = await served(running, editor)
        body = {"endpoint": "bot", "release": bad, "submit": True, "plan": {"canary": {"steps": [0.99]}}}
        reply = await running.client.post("/admin/rollouts", headers=editor, json=body)
        assert reply.status_code == 201, reply.text

        def write(connection: Any) -> None:
            connection.execute(update(rollouts).values(stage="canary", step=0))
            connection.execute(text("UPDATE revision SET number = number + 1"))

        await running.services.write(write)
        assert {await served(running, editor) for _ in range(20)} == {good}
