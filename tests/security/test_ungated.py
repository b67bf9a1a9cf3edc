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
from gateway.releases import golive
from gateway.releases.build import Change, make
from gateway.store import audit
from gateway.store import rollouts as store_rollouts
from gateway.store.rollouts import Breaking
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


PROMPTED = (
    "prompts: {greet: {messages: [{role: user, content: Greet.}]}}\nendpoints: {bot: {prompt: greet, upstream: demo}}"
)
GATED = PROMPTED.replace(
    "upstream: demo", "upstream: demo, gate: {requires: [{metric: m, suite: '%s', at_least: 0.5}]}"
)
FORGERIES = {
    "other words in its prompt": ["UPDATE prompts SET messages = replace(messages, 'Greet', 'Insult')"],
    "other parameters": ["""UPDATE releases SET parameters = '{"temperature": 2}'"""],
    "another prompt": ["UPDATE releases SET prompt_name = NULL, prompt_number = NULL"],
    "another upstream": ["UPDATE releases SET upstream = 'spare'"],
    "no gate": ["UPDATE endpoints SET gate = NULL"],
    "no gate, in the log neither": [
        "UPDATE endpoints SET gate = NULL",
        "DELETE FROM audit WHERE action = 'gate.in_force'",
    ],
    "no gate, as the log says": [
        "UPDATE endpoints SET gate = NULL",
        """UPDATE audit SET detail = '{"gate"\\:null}' WHERE action = 'gate.in_force'""",
    ],
    "no gate, says what was logged of another": [
        "UPDATE endpoints SET gate = NULL",
        "UPDATE audit SET object = 'endpoint:other' WHERE action = 'gate.in_force'",
    ],
    "an easier gate": ["UPDATE endpoints SET gate = replace(gate, '0.5', '0.0')"],
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_what_was_proven_is_what_serves(tmp_path: Path, forgery: list[str]) -> None:
    """Whoever writes to the database can make the endpoint refuse. A digest names what it names, and the gate in force
    is the one that the log says, signed."""
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        await running.apply(PROMPTED)
        await running.apply(GATED % SUITE)
        headers = await running.key()
        assert await served(running, headers) is not None

        def write(connection: Any) -> None:
            for statement in forgery:
                assert connection.execute(text(statement)).rowcount >= 1
            connection.execute(text("UPDATE revision SET number = number + 1"))

        await running.services.write(write)
        reply = await running.client.post("/v1/chat/completions", headers=headers, json=ASKED)
        assert reply.status_code == 503
        assert "changed in the database" in reply.json()["error"]["message"]


async def test_a_warrant_that_was_taken_away_does_not_come_back_from_a_copy(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        await running.apply(PROMPTED)
        await running.apply(GATED % SUITE)
        headers = await running.key()
        release = await served(running, headers)

        def write(connection: Any) -> None:
            [row] = connection.execute(warrants.select()).mappings()
            golive.reject(connection, "bot", str(release), "harmful")
            assert connection.execute(warrants.select()).first() is None
            connection.execute(insert(warrants).values(**row))
            connection.execute(text("UPDATE revision SET number = number + 1"))

        await running.services.write(write)
        reply = await running.client.post("/v1/chat/completions", headers=headers, json=ASKED)
        assert reply.status_code == 503
        assert "was rolled back since it was proven" in reply.json()["error"]["message"]


async def test_who_made_a_key_is_no_second_person_beside_its_owner(tmp_path: Path) -> None:
    """Not at a gate, a rollout, its conditions or broken glass, and not after the key has rotated itself."""
    async with inside(tmp_path, upstreams=UPSTREAMS) as running:
        await running.apply(LIVE)
        admin = await running.key("admin", "approver", owner="mallory")
        client = running.client
        petra = {"name": "p", "owner": "petra", "roles": ["admin", "approver"]}
        minted = (await client.post("/admin/keys", headers=admin, json=petra)).json()
        second = {"authorization": f"Bearer {minted['key']}"}
        gate = {"requires": [{"metric": "accuracy", "suite": SUITE, "at_least": 0.5}]}
        await client.put("/admin/endpoints/bot/gate", headers=admin, json={"gate": gate})
        away = (await client.put("/admin/endpoints/bot/gate", headers=admin, json={"gate": None, "reason": "x"})).json()
        rollout = {"endpoint": "bot", "change": {"upstream": "spare"}, "submit": True}
        made = (await client.post("/admin/rollouts", headers=admin, json=rollout)).json()["id"]
        grace = await running.key("approver", owner="grace")
        agreed = {"conditions": ["the bill is watched"]}
        await client.post(f"/admin/rollouts/{made}/approve", headers=grace, json=agreed)

        async def tries() -> list[int]:
            asked = [
                (f"/admin/gate-changes/{away['change']['id']}/approve", None),
                (f"/admin/rollouts/{made}/approve", {}),
                (f"/admin/rollouts/{made}/conditions/1/meet", None),
            ]
            return [(await client.post(path, headers=second, json=body)).status_code for path, body in asked]

        assert await tries() == [403, 403, 403]
        rotated = await client.post(f"/admin/keys/{minted['id']}/rotate", headers=second, json={})
        assert rotated.json()["makers"] == ["mallory", "petra"]
        second["authorization"] = f"Bearer {rotated.json()['key']}"
        assert await tries() == [403, 403, 403]

        other = await running.key("admin", owner="ada")
        body = {"release": made, "reason": "it burns"}
        assert (await client.post("/admin/endpoints/bot/break-glass", headers=admin, json=body)).status_code == 409

        def broken(connection: Any) -> None:
            act = Breaking("brk_1", "bot", "0" * 64, 1.0, "mallory", "it burns", None, None, None)
            store_rollouts.break_glass(connection, act)

        await running.services.write(broken)
        for who, status in ((admin, 403), (second, 403), (other, 200)):
            reply = await client.post("/admin/breakings/brk_1/review", headers=who, json={"note": "fine"})
            assert reply.status_code == status
