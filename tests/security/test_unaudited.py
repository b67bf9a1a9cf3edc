"""Whatever changes something through the admin API is in the audit log: every route, once, where it succeeds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.configuration import Source
from gateway.store import audit
from gateway.webhooks import ACTS
from tests.inside import Inside, inside
from tests.security.test_ungated import CHANGES_NOTHING, SUITE, changes
from tests.trials import records

pytestmark = pytest.mark.anyio

SETTINGS = {
    "webhooks": {"private": True},
    "upstreams": {"demo": {"provider": "scripted"}, "spare": {"provider": "scripted"}},
}
GATE = {"requires": [{"metric": "accuracy", "suite": SUITE, "margin": 0.05}]}
GUARDED = """
policies: {strict: {input: [{guard: patterns, words: [frobozz], action: block}]}}
endpoints: {guarded: {upstream: demo, policy: strict}}
"""
STRAIGHT: dict[str, Any] = {"canary": None}


class Walk:
    """Asks route after route, as somebody, and looks at the log after each."""

    def __init__(self, running: Inside, keys: dict[str, dict[str, str]]) -> None:
        self.running = running
        self.keys = keys
        self.walked: set[tuple[str, str]] = set()
        self.acts: set[str] = set()

    async def __call__(self, who: str, method: str, route: str, body: Any = None, **at: object) -> Any:
        before = await self.running.services.read(audit.last)
        path = route.replace(":path}", "}").format(**at)
        what: dict[str, Any] = {"content": body} if isinstance(body, str | bytes) else {"json": body}
        reply = await self.running.client.request(method, path, headers=self.keys[who], **what)
        assert reply.is_success, (method, path, reply.text)
        after = await self.running.services.read(audit.last)
        assert after is not None
        new = await self.running.services.read(
            lambda connection: audit.after(connection, before.seq if before is not None else 1)
        )
        assert {entry["actor"] for entry in new} == {who}
        self.acts |= {entry["action"] for entry in new}
        assert (
            len([entry for entry in new if entry["action"] != audit.GATE_IN_FORCE]) == 1
        )  # which comes beside the act
        self.walked.add((method, route))
        return reply.json()


async def test_every_change_is_in_the_log(tmp_path: Path) -> None:
    file = tmp_path / "sluicegate.yaml"
    file.write_text(yaml.safe_dump({"data": str(tmp_path / "data"), **SETTINGS}))
    async with inside(tmp_path, source=Source(file, {})) as running:
        keys = {name: await running.key("admin", owner=name) for name in ("ada", "grace")}
        walk = Walk(running, keys)
        await access(walk)
        await prompts(walk)
        await production(walk)
        await told(walk)
        await reviewed(walk)
        assert walk.acts <= set(ACTS), "what webhooks can subscribe to"
        wanted = {(method, route) for method, route in changes(running) if route not in CHANGES_NOTHING}
        assert wanted - walk.walked == set()


async def access(walk: Walk) -> None:
    await walk("ada", "POST", "/admin/teams", {"name": "search"})
    await walk("ada", "POST", "/admin/projects", {"name": "web", "team": "search"})
    await walk("ada", "PUT", "/admin/limits/{scope}", {"requests_per_minute": 10}, scope="team:search")
    await walk("ada", "DELETE", "/admin/limits/{scope}", scope="team:search")
    key = (await walk("ada", "POST", "/admin/keys", {"name": "app"}))["id"]
    await walk("ada", "PATCH", "/admin/keys/{key_id}", {"project": "web"}, key_id=key)
    await walk("ada", "POST", "/admin/keys/{key_id}/rotate", {}, key_id=key)
    await walk("ada", "DELETE", "/admin/keys/{key_id}", key_id=key)
    await walk("ada", "DELETE", "/admin/projects/{name}", name="web")
    await walk("ada", "DELETE", "/admin/teams/{name}", name="search")
    hold = (await walk("ada", "POST", "/admin/retention/holds", {"key": key, "reason": "asked for"}))["id"]
    await walk("ada", "DELETE", "/admin/retention/holds/{hold_id}", hold_id=hold)
    await walk("ada", "POST", "/admin/config/reload")


async def prompts(walk: Walk) -> None:
    name = "/admin/prompts/{name:path}"
    for text in ("Hello.", "Good day."):
        await walk("ada", "POST", name, {"messages": [{"role": "user", "content": text}]}, name="greet")
    await walk("ada", "POST", f"{name}/branches", {"branch": "warm", "from": 2}, name="greet")
    warm = {"messages": [{"role": "user", "content": "Hi there."}], "branch": "warm"}
    await walk("ada", "POST", name, warm, name="greet")
    await walk("ada", "POST", f"{name}/branches/{{branch}}/merge", {}, name="greet", branch="warm")
    await walk("ada", "POST", f"{name}/branches", {"branch": "cold", "from": 2}, name="greet")
    await walk("ada", "DELETE", f"{name}/branches/{{branch}}", name="greet", branch="cold")
    await walk("ada", "POST", f"{name}/comments", {"version": 1, "body": "Short."}, name="greet")
    label = {"version": 1, "reason": "to try"}
    await walk("grace", "PUT", f"{name}/labels/{{label}}", label, name="greet", label="staging")
    await walk("grace", "DELETE", f"{name}/labels/{{label}}?reason=tried", name="greet", label="staging")
    walk.walked.add(("DELETE", f"{name}/labels/{{label}}"))
    await walk("ada", "PUT", "/admin/protected-labels/{label}", label="stable")
    await walk("ada", "DELETE", "/admin/protected-labels/{label}", label="stable")
    await walk("ada", "PUT", "/admin/prompt-aliases/{alias}", {"prompt": "greet"}, alias="pmpt_1")


async def production(walk: Walk) -> None:
    await walk("ada", "POST", "/admin/apply", "endpoints: {bot: {upstream: demo}}")
    first = (await walk("ada", "POST", "/admin/releases", {"upstream": "demo"}))["digest"]
    await walk("ada", "PUT", "/admin/endpoints/{name}/gate", {"gate": GATE}, name="bot")
    for decided in ("reject", "approve"):
        gate = {"gate": {**GATE, "approvals": 2 if decided == "reject" else 1}, "reason": "again"}
        if decided == "approve":
            gate["gate"] = {"requires": [{"metric": "accuracy", "suite": SUITE, "margin": 0.06}]}
        change = (await walk("ada", "PUT", "/admin/endpoints/{name}/gate", gate, name="bot"))["change"]["id"]
        await walk("grace", "POST", f"/admin/gate-changes/{{change_id}}/{decided}", change_id=change)
    rollout = "/admin/rollouts/{rollout_id}"
    body = {"endpoint": "bot", "change": {"upstream": "spare"}, "plan": STRAIGHT, "reason": "cheaper"}
    made = await walk("ada", "POST", "/admin/rollouts", body)
    await walk("ada", "POST", f"{rollout}/submit", rollout_id=made["id"])
    await walk("ada", "POST", f"{rollout}/pause", {}, rollout_id=made["id"])
    await walk("ada", "POST", f"{rollout}/resume", {}, rollout_id=made["id"])
    await walk("grace", "POST", f"{rollout}/approve", {"conditions": ["the bill is watched"]}, rollout_id=made["id"])
    await walk("grace", "POST", f"{rollout}/conditions/{{number}}/meet", rollout_id=made["id"], number=1)
    await walk("ada", "POST", f"{rollout}/abort", {"reason": "not now"}, rollout_id=made["id"])
    other = await walk("ada", "POST", "/admin/rollouts", {**body, "submit": True})
    await walk("grace", "POST", f"{rollout}/reject", {"reason": "never"}, rollout_id=other["id"])
    await walk("ada", "POST", f"{rollout}/abort", {"reason": "so be it"}, rollout_id=other["id"])
    await walk("ada", "POST", "/admin/evidence", evidence(made["release"], first))
    glass = {"release": made["release"], "reason": "the other one is down"}
    breaking = (await walk("grace", "POST", "/admin/endpoints/{name}/break-glass", glass, name="bot"))["id"]
    await walk("ada", "POST", "/admin/breakings/{breaking_id}/review", {"note": "it was"}, breaking_id=breaking)
    await walk("ada", "POST", "/admin/endpoints/{name}/rollback", {"reason": "it is up again"}, name="bot")
    decided_ = {"endpoint": "bot", "release": first, "outcome": "go", "reason": "as before"}
    await walk("grace", "POST", "/admin/decisions", decided_)


async def told(walk: Walk) -> None:
    made = (await walk("ada", "POST", "/admin/webhooks", {"url": "http://127.0.0.1:1/"}))["id"]
    hook = "/admin/webhooks/{webhook_id}"
    await walk("ada", "PATCH", hook, {"events": ["prompt."]}, webhook_id=made)
    sent = (await walk("ada", "POST", f"{hook}/test", webhook_id=made))["id"]
    await walk("ada", "POST", f"{hook}/deliveries/{{number}}/redeliver", webhook_id=made, number=sent)
    await walk("ada", "DELETE", hook, webhook_id=made)


async def reviewed(walk: Walk) -> None:
    await walk.running.apply(GUARDED)
    await walk.running.services.refresher.refresh()
    asked = {"model": "guarded", "messages": [{"role": "user", "content": "Say frobozz."}]}
    reply = await walk.running.client.post("/v1/chat/completions", json=asked, headers=walk.keys["ada"])
    call = reply.headers["x-request-id"]
    await records(walk.running)
    made = await walk("ada", "POST", "/admin/reviews/{request_id}", {"act": "dismiss"}, request_id=call)
    await walk("grace", "POST", "/admin/review-decisions/{decision_id}/undo", decision_id=made["id"])


def evidence(release: str, baseline: str) -> dict[str, Any]:
    items = [{"id": f"i{n}", "candidate": {"accuracy": 1.0}, "baseline": {"accuracy": 1.0}} for n in range(400)]
    run = {"suite": SUITE, "dataset": "d" * 64, "made": time.time(), "items": items}
    return {"release": release, "baseline": baseline, **run}
