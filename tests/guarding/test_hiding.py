"""What an upstream is not to see: it is given placeholders, and whoever asked has the values back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.guarding.canary import token
from tests.inside import Inside, inside
from tests.trials import records

pytestmark = pytest.mark.anyio

RULES = [
    {"when": r"\[TICKET_1\] first", "say": "Seen as [TICKET_1]; [TICKET_9] is nobody's."},
    {"when": r"^send \[TICKET_1\]", "call": {"name": "send", "arguments": {"to": "[TICKET_1]", "of": "[TICKET_2]"}}},
]
POLICY = r"""
policies:
  hiding:
    input:
      - {guard: patterns, name: numbers, patterns: {ticket: 'T-[0-9"]{4}'}, action: redact, by: vault}
      - {guard: patterns, name: users, patterns: {user: 'U-[0-9]{4}'}, action: redact, by: hash}
    documents:
      - {guard: patterns, name: found, patterns: {ticket: 'T-[0-9]{4}'}, action: redact, by: vault}
  judged:
    input: [{guard: patterns, name: numbers, patterns: {ticket: 'T-[0-9]{4}'}, action: redact, by: vault}]
    output: [{guard: patterns, name: never, patterns: {ticket: 'T-[0-9]{4}'}, action: block}]
    tool_calls: [{guard: patterns, name: payee, patterns: {ticket: 'T-[0-9]{4}'}, action: block}]
  sung:
    output: [{guard: leakage, action: block, canary: true}]
endpoints:
  bot: {upstream: up, policy: hiding, cache: {ttl: 60s}}
  judged: {upstream: up, policy: judged}
  sung: {upstream: up, policy: sung}
"""


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Inside]:
    up = {"provider": "scripted", "model": "m", "rules": RULES}
    async with inside(tmp_path, upstreams={"up": up}) as running:
        await running.apply(POLICY)
        await running.services.refresher.refresh()
        yield running


async def ask(whole: Inside, *said: Any, model: str = "bot", headers: Any = None, **more: Any) -> Any:
    messages = [{"role": "user", "content": one} if isinstance(one, str) else one for one in said]
    body = {"model": model, "messages": messages, **more}
    return await whole.client.post("/v1/chat/completions", json=body, headers=headers or await whole.key())


def deltas(reply: Any) -> list[dict[str, Any]]:
    lines = [orjson.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]
    return [choice["delta"] for event in lines for choice in event["choices"]]


def content(reply: Any, stream: bool) -> str:
    if stream:
        return "".join(delta.get("content") or "" for delta in deltas(reply))
    said: str = reply.json()["choices"][0]["message"]["content"]
    return said


def arguments(reply: Any, stream: bool) -> Any:
    if not stream:
        return orjson.loads(reply.json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])
    calls = [call for delta in deltas(reply) for call in delta.get("tool_calls") or ()]
    return orjson.loads("".join(call["function"].get("arguments", "") for call in calls))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["bot", "judged"])
async def test_the_upstream_sees_placeholders_and_the_client_the_values(
    whole: Inside, model: str, stream: bool
) -> None:
    reply = await ask(whole, "T-1234 first", model=model, stream=stream)
    assert content(reply, stream) == "Seen as T-1234; [TICKET_9] is nobody's."
    assert "T-1234" not in reply.headers["x-sluice-guards"]
    (record,) = (await records(whole)).values()
    assert "T-1234" not in orjson.dumps(record.guards).decode()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["bot", "judged"])
async def test_tool_calls_have_the_values_as_parts_of_json(whole: Inside, model: str, stream: bool) -> None:
    second = 'T-1"34' if model == "bot" else "T-1734"
    tool = {"type": "function", "function": {"name": "send", "parameters": {"type": "object"}}}
    reply = await ask(whole, f"send T-1234 of {second}", model=model, stream=stream, tools=[tool])
    assert arguments(reply, stream) == {"to": "T-1234", "of": second}, reply.text


async def test_a_placeholder_that_someone_typed_is_nobody_s(whole: Inside) -> None:
    reply = await ask(whole, "T-1234", {"role": "system", "content": "[TICKET_1]"}, "[TICKET_2], T-1234 and T-1234")
    assert content(reply, False) == "[TICKET_2], T-1234 and T-1234"
    assert content(await ask(whole, "[TICKET_1] first"), False) == "Seen as [TICKET_1]; [TICKET_9] is nobody's."


async def test_placeholders_stay_while_a_conversation_grows(whole: Inside) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    returned = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "It is T-1111."},
    ]
    reply = await ask(whole, *returned, "send T-2222")
    assert content(reply, False) == "send T-2222"  # the second placeholder: a rule would have answered the first


async def test_hashes_are_one_for_a_project_and_another_for_others(whole: Inside) -> None:
    admin = await whole.key("admin")
    await whole.client.post("/admin/teams", json={"name": "t"}, headers=admin)
    for name in ("a", "b"):
        made = await whole.client.post("/admin/projects", json={"name": name, "team": "t"}, headers=admin)
        assert made.status_code == 201, made.text
    keys = [await whole.key(project=project) for project in ("a", "a", "b")]
    said = [content(await ask(whole, "I am U-1234", headers=key), False) for key in keys]
    assert said[0] == said[1] != said[2]
    assert said[0].startswith("I am [USER:")


async def test_a_reply_with_values_is_cached_for_nobody_and_replayed_to_who_sends_it_again(whole: Inside) -> None:
    key = await whole.key()
    cached = {**key, "x-sluice-cache": "on"}
    for _ in range(2):
        assert (await ask(whole, "T-1234", headers=cached)).headers["x-sluice-cache"] == "miss"
        hidden_nothing = await ask(whole, "Hello.", headers=cached)
    assert hidden_nothing.headers["x-sluice-cache"] == "hit"
    again = [await ask(whole, "T-1234", headers={**key, "idempotency-key": "one"}) for _ in range(2)]
    assert again[1].headers["x-sluice-replayed"] == "true"
    assert content(again[1], False) == "T-1234"


@pytest.mark.parametrize("path", ["responses", "messages"])
@pytest.mark.parametrize("stream", [False, True])
async def test_every_surface_gives_them_back(whole: Inside, path: str, stream: bool) -> None:
    said = {"messages": [{"role": "user", "content": "T-1234 first"}], "max_tokens": 100}
    body = {"model": "bot", "stream": stream, **({"input": "T-1234 first"} if path == "responses" else said)}
    reply = await whole.client.post(f"/v1/{path}", json=body, headers=await whole.key())
    assert reply.status_code == 200, reply.text
    assert "[TICKET_1]" not in reply.text
    assert "T-1234" in reply.text


async def test_a_canary_is_the_release_s_and_ends_a_reply_that_has_it(whole: Inside) -> None:
    system = {"role": "system", "content": "Be kind."}
    reply = await ask(whole, system, "Hello.", model="sung")
    assert content(reply, False) == "Hello."
    key = whole.services.hasher.digest(b"sluicegate guards key")
    canary = token(key, reply.headers["x-sluice-release"])
    for told in (canary, " ".join(canary), canary[::-1]):
        stopped = (await ask(whole, system, f"It ends with {told}", model="sung")).json()["choices"][0]
        assert stopped["finish_reason"] == "content_filter"
        assert canary not in orjson.dumps(stopped).decode()
    assert content(await ask(whole, canary, model="sung"), False) == canary  # without a system prompt there is none
