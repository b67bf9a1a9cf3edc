"""Manifests, endpoints and releases through the admin API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.api.releases import MAX_MANIFEST_BYTES
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio
MANIFEST = """
prompts:
  greeter: {variables: {name: string}, messages: [{role: user, content: "Greet {{ name }}."}]}
endpoints:
  greeter: {prompt: greeter, upstream: demo, description: Greets., parameters: {temperature: 0.5}}
"""


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        started.client.headers.update(await started.key("editor"))
        yield started


async def ask(running: Inside, name: str) -> tuple[str, str]:
    """The answer, and the release that gave it."""
    body = {"model": "greeter", "messages": [], "prompt": {"variables": {"name": name}}}
    reply = await running.client.post("/v1/chat/completions", json=body)
    return reply.json()["choices"][0]["message"]["content"], reply.headers["x-sluice-release"]


async def test_a_manifest_is_in_force_when_the_reply_is_there(running: Inside) -> None:
    applied = (await running.client.post("/admin/apply", content=MANIFEST)).json()
    assert [(row["kind"], row["name"], row["outcome"]) for row in applied["data"]] == [
        ("prompt", "greeter@1", "created"),
        ("endpoint", "greeter", "created"),
    ]
    assert await ask(running, "Ada") == ("Greet Ada.", applied["data"][1]["digest"])
    again = (await running.client.post("/admin/apply", content=MANIFEST)).json()
    assert {row["outcome"] for row in again["data"]} == {"unchanged"}


async def test_gates_and_limits_are_set_by_administrators(running: Inside) -> None:
    plain = "endpoints: {bot: {upstream: demo}}"
    requires = f"[{{metric: m, suite: '{'5' * 64}', at_least: 0.5}}]"
    gate = f"endpoints: {{bot: {{upstream: demo, gate: {{requires: {requires}}}}}}}"
    limits = "endpoints: {bot: {upstream: demo, limits: {concurrent: 1}}}"
    assert (await running.client.post("/admin/apply", content=plain)).status_code == 200
    admin = await running.key("admin")
    for manifest, param in ((gate, "endpoints.bot.gate"), (limits, "endpoints.bot.limits")):
        refused = await running.client.post("/admin/apply", content=manifest)
        assert (refused.status_code, refused.json()["error"]["param"]) == (403, param)
        [live] = (await running.client.get("/admin/endpoints")).json()["data"]
        assert live["protected"] is False
    assert (await running.client.post("/admin/apply", content=limits, headers=admin)).status_code == 200
    assert (await running.client.post("/admin/apply", content=limits)).status_code == 200  # which changes nothing
    assert (await running.client.post("/admin/apply", content=gate, headers=admin)).status_code == 200
    assert (await running.client.post("/admin/apply", content=gate)).status_code == 200


async def test_what_is_live_and_what_it_is_made_of(running: Inside) -> None:
    await running.client.post("/admin/apply", content=MANIFEST)
    [live] = (await running.client.get("/admin/endpoints")).json()["data"]
    told = {name: live[name] for name in ("name", "description", "stage", "prompt", "upstream", "parameters")}
    assert told == {
        "name": "greeter",
        "description": "Greets.",
        "stage": "live",
        "prompt": "greeter@1",
        "upstream": "demo",
        "parameters": {"temperature": 0.5},
    }
    bundle = (await running.client.get(f"/admin/releases/{live['release']}")).json()
    assert bundle["digest"] == live["release"]
    assert bundle["prompt"]["messages"] == [{"role": "user", "content": "Greet {{ name }}."}]
    assert bundle["prompt"]["variables"]["required"] == ["name"]
    assert (bundle["tools"], bundle["response_format"], bundle["policy"]) == ([], None, None)


async def test_an_old_release_is_kept(running: Inside) -> None:
    await running.client.post("/admin/apply", content=MANIFEST)
    _, old = await ask(running, "Ada")
    await running.client.post("/admin/apply", content=MANIFEST.replace("Greet ", "Hail "))
    answer, new = await ask(running, "Ada")
    assert answer == "Hail Ada."
    assert new != old
    assert (await running.client.get(f"/admin/releases/{old}")).status_code == 200


@pytest.mark.parametrize(
    ("manifest", "status", "words"),
    [
        ("a: [", 400, "not valid YAML"),
        ("endpoints: {b: {upstream: ghost}}", 400, "there are: demo"),
        ("endpoints: {b: {upstream: demo, parameters: {x: .nan}}}", 400, "not finite"),
        ("x: " + "[" * 1500, 400, "nested too deeply"),
        ("#" * (MAX_MANIFEST_BYTES + 1), 413, "1024 KiB"),
    ],
)
async def test_what_cannot_be_applied(running: Inside, manifest: str, status: int, words: str) -> None:
    reply = await running.client.post("/admin/apply", content=manifest)
    assert (reply.status_code, words in reply.json()["error"]["message"]) == (status, True)
    assert (await running.client.get("/admin/endpoints")).json()["data"] == []


async def test_bytes_that_are_no_text_are_refused_not_replaced(running: Inside) -> None:
    reply = await running.client.post("/admin/apply", content=MANIFEST.replace("Greet ", "Grüß ").encode("latin-1"))
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_manifest")
    assert "UTF-8" in reply.json()["error"]["message"]


async def test_a_release_that_is_not_there(running: Inside) -> None:
    reply = await running.client.get("/admin/releases/" + "a" * 64)
    assert (reply.status_code, reply.json()["error"]["param"]) == (404, "digest")
