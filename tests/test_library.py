"""Prompts as programs get them: whole, by label or number, and only where the key may use what they serve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.prompts.published import read
from gateway.prompts.render import CompiledPrompt
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio
MANIFEST = """
prompts:
  house/style:
    messages: [{role: system, content: "Be {{ tone }}."}]
    variables: {tone: {type: string, default: brief}}
  support/greeting:
    messages: [{role: user, content: '{% include "house/style" %} Greet {{ name }}.'}]
    variables: {name: string}
endpoints:
  bot: {prompt: support/greeting, upstream: demo}
  plain: {upstream: demo}
"""


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        await started.apply(MANIFEST)
        approver = await started.key("approver", owner="carol")
        body = {"version": 1, "reason": "Tried."}
        path = "/admin/prompts/support/greeting/labels/production"
        assert (await started.client.put(path, json=body, headers=approver)).status_code == 200
        yield started


async def get(running: Inside, path: str, who: dict[str, str] | None) -> tuple[int, Any]:
    reply = await running.client.get(f"/v1/prompts/{path}", headers=who)
    return reply.status_code, reply.json() if reply.is_success else reply.json()["error"]


async def test_a_client_renders_what_it_got(running: Inside) -> None:
    key = await running.key()
    status, found = await get(running, "support/greeting", key)
    assert (status, found["object"], found["name"], found["version"]) == (200, "prompt", "support/greeting", 1)
    assert CompiledPrompt.compile(read(found)).render({"name": "Ada"}) == [
        {"role": "user", "content": "Be brief. Greet Ada."}
    ]
    for query in ("version=1", "label=production", "label=latest"):
        assert await get(running, f"support/greeting?{query}", key) == (200, found)


async def test_what_is_included_in_what_is_included_comes_along_once(running: Inside) -> None:
    editor = await running.key("editor", owner="ada")
    for name, content in (
        ("house/tone", "{% include 'house/style' %}"),
        ("support/long", "{% include 'house/tone' %} {% include 'house/style' %} Greet {{ name }}."),
    ):
        message = {"role": "system", "content": content}
        body = {"messages": [message], "variables": {"name": "string"} if "name" in content else {}}
        saved = await running.client.post(f"/admin/prompts/{name}", json=body, headers=editor)
        assert saved.status_code == 201, saved.text
    status, found = await get(running, "support/long?label=latest", await running.key())
    assert (status, [one["name"] for one in found["included"]]) == (200, ["house/style", "house/tone"])
    assert CompiledPrompt.compile(read(found)).render({"name": "Ada"}) == [
        {"role": "system", "content": "Be brief. Be brief. Greet Ada."}
    ]


@pytest.mark.parametrize(("endpoints", "status"), [(None, 200), (["bot"], 200), (["plain", "ghost"], 404), ([], 404)])
async def test_a_key_knows_of_what_it_may_use(running: Inside, endpoints: list[str] | None, status: int) -> None:
    key = await running.key(endpoints=frozenset(endpoints) if endpoints is not None else None)
    assert (await get(running, "support/greeting", key))[0] == status


async def test_what_a_key_may_not_know_of_is_as_what_is_not_there(running: Inside) -> None:
    key = await running.key(endpoints=frozenset(("plain",)))
    assert [
        error["code"] for _, error in [await get(running, name, key) for name in ("support/greeting", "ghost")]
    ] == ["prompt_not_found"] * 2
    assert (await get(running, "support/greeting", None))[0] == 401


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ("version=2", 404, "version"),
        ("label=ghost", 404, "label"),
        ("version=one", 400, "version"),
        ("version=production", 400, "version"),
        ("version=1&label=production", 400, "label"),
    ],
)
async def test_the_field_at_fault_is_named(running: Inside, query: str, status: int, param: str) -> None:
    found, error = await get(running, f"support/greeting?{query}", await running.key())
    assert (found, error["param"]) == (status, param)


async def test_without_a_label_what_is_in_production(running: Inside) -> None:
    status, error = await get(running, "house/style", await running.key())
    assert (status, error["code"]) == (404, "label_not_found")
