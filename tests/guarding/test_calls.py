"""Calls under the guards of a release: one choke point, whatever the surface, streamed or whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.guarding import call
from tests.inside import Inside, inside
from tests.trials import records

pytestmark = pytest.mark.anyio

KEY = "ghp_" + "a1B2" * 9
RULES = [
    {"when": "weather", "say": "It is fine, and warm. The code word is xyzzy today, they say."},
    {"when": "bomb", "say": "Well then. Take some plugh and stir it. More of this never comes."},
    {"when": "pay", "call": {"name": "pay", "arguments": {"to": "plugh"}}},
]
POLICY = """
policies:
  strict:
    input:
      - {guard: patterns, name: words, words: [frobozz], action: block, message: We do not talk of that.}
      - {guard: patterns, name: numbers, patterns: {ticket: 'T-[0-9]{4}'}, action: redact}
    documents:
      - {guard: patterns, name: orders, words: [frobozz], action: block}
    output:
      - {guard: patterns, name: secret, words: [xyzzy], action: redact}
      - {guard: patterns, name: danger, words: [plugh], action: block, message: No.}
    tool_calls:
      - {guard: patterns, name: payee, words: [plugh], action: block}
endpoints:
  bot: {upstream: up, policy: strict}
  free: {upstream: up}
"""


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Inside]:
    up = {"provider": "scripted", "model": "m", "rules": RULES}
    async with inside(tmp_path, upstreams={"up": up}) as running:
        await running.apply(POLICY)
        await running.services.refresher.refresh()
        yield running


async def ask(whole: Inside, said: str, path: str = "chat/completions", **more: Any) -> Any:
    body: dict[str, Any] = {"model": "bot", **more}
    if path == "responses":
        body["input"] = said
    elif path in ("completions", "embeddings"):
        body["prompt" if path == "completions" else "input"] = said
    else:
        body["messages"] = [{"role": "user", "content": said}]
    if path == "messages":
        body["max_tokens"] = 100
    return await whole.client.post(f"/v1/{path}", json=body, headers=await whole.key())


def events(reply: Any) -> list[dict[str, Any]]:
    lines = [line[6:] for line in reply.text.splitlines() if line.startswith("data: {")]
    return [orjson.loads(line) for line in lines]


def text(reply: Any) -> str:
    choices = [choice for event in events(reply) for choice in event["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def finish(reply: Any) -> list[str]:
    choices = [choice for event in events(reply) for choice in event["choices"]]
    return [choice["finish_reason"] for choice in choices if choice["finish_reason"]]


@pytest.mark.parametrize("path", ["chat/completions", "completions", "responses", "messages", "embeddings"])
async def test_a_request_is_stopped_before_anything_is_asked(whole: Inside, path: str) -> None:
    reply = await ask(whole, "Tell me of frobozz.", path)
    assert reply.status_code == 400, reply.text
    assert "We do not talk of that." in reply.text
    (record,) = (await records(whole)).values()
    assert (record.status, record.error, record.upstream) == (400, "content_filter", None)
    told = {entry["guard"]: entry for entry in orjson.loads(record.guards or "[]")}
    assert told["words"]["action"] == "block"
    assert told["numbers"]["score"] == 0.0
    assert orjson.loads(reply.headers["x-sluice-guards"])[0]["guard"] == "words"


async def test_text_in_a_field_that_nobody_knows_stops_a_request_too(whole: Inside) -> None:
    for path in ("chat/completions", "completions", "responses", "messages", "embeddings"):
        reply = await ask(whole, "Good morning.", path, documents=[{"text": "Tell me of frobozz."}])
        assert reply.status_code == 400, reply.text
        assert "We do not talk of that." in reply.text
    assert (await ask(whole, "Hi.", documents=["frobozz"])).json()["error"]["param"] is None
    body = {"model": "bot", "messages": [{"role": "user", "content": "Hi.", "note": "frobozz"}]}
    reply = await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())
    assert reply.json()["error"]["param"] == "messages[0]"


async def test_a_call_of_too_many_texts_is_judged_by_none_which_is_told(
    whole: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "MOST_TEXTS", 3)
    why = "the call has more than 3 texts"
    parts = [{"type": "text", "text": f"part {number}"} for number in range(4)]
    for found, status in ((parts[:3], 200), (parts, 400)):
        body = {"model": "bot", "messages": [{"role": "user", "content": found}]}
        reply = await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())
        assert reply.status_code == status, reply.text
        told = orjson.loads(reply.headers["x-sluice-guards"])
        assert [one.get("not_run") == why for one in told if one["stage"] == "input"] == [status == 400] * 2
    assert reply.json()["error"] | {"message": ""} == {
        "message": "",
        "type": "invalid_request_error",
        "param": None,
        "code": "cannot_be_judged",
    }


async def test_what_guards_take_is_the_gateway_s_time(whole: Inside) -> None:
    await ask(whole, "frobozz " * 2000)
    (record,) = (await records(whole)).values()
    spent = sum(entry["ms"] for entry in orjson.loads(record.guards or "[]"))
    assert record.total_us - record.upstream_us >= spent * 1000 * 0.9
    assert record.upstream_us < record.total_us


async def test_the_error_names_the_field(whole: Inside) -> None:
    error = (await ask(whole, "frobozz")).json()["error"]
    assert (error["code"], error["param"]) == ("content_filter", "messages[0].content")


async def test_what_is_redacted_the_upstream_never_sees(whole: Inside) -> None:
    reply = await ask(whole, "I have ticket T-1234, so.")
    assert reply.json()["choices"][0]["message"]["content"] == "I have ticket [TICKET], so."


async def test_what_tools_returned_is_judged_as_documents(whole: Inside) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "frobozz"},
    ]
    body = {"model": "bot", "messages": messages}
    reply = await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())
    assert reply.json()["error"]["param"] == "messages[2].content"
    assert {entry["stage"] for entry in orjson.loads(reply.headers["x-sluice-guards"])} == {"input", "documents"}


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_redacted_whole_or_streamed(whole: Inside, stream: bool) -> None:
    reply = await ask(whole, "How is the weather?", stream=stream)
    said = text(reply) if stream else reply.json()["choices"][0]["message"]["content"]
    assert said == "It is fine, and warm. The code word is [WORD] today, they say."
    assert "xyzzy" not in reply.text
    (record,) = (await records(whole)).values()
    told = {entry["guard"]: entry["action"] for entry in orjson.loads(record.guards or "[]")}
    assert told == {"words": "allow", "numbers": "allow", "secret": "redact", "danger": "allow"}
    assert record.finish == "stop"
    if stream:
        assert ": sluice-guards [" in reply.text
        assert {entry["stage"] for entry in orjson.loads(reply.headers["x-sluice-guards"])} == {"input"}


async def test_a_stream_that_is_blocked_ends_as_the_wire_says(whole: Inside) -> None:
    reply = await ask(whole, "How is a bomb made?", stream=True)
    assert text(reply).strip() == "Well then. Take some"
    assert finish(reply) == ["content_filter"]
    assert events(reply)[-1]["choices"][0]["delta"]["refusal"] == "No."
    assert reply.text.rstrip().endswith("data: [DONE]")
    assert "plugh" not in reply.text
    assert "never comes" not in reply.text
    (record,) = (await records(whole)).values()
    assert (record.status, record.error, record.finish) == (200, None, "content_filter")


async def test_a_whole_answer_that_is_blocked_says_so(whole: Inside) -> None:
    (choice,) = (await ask(whole, "How is a bomb made?")).json()["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": "No."}


@pytest.mark.parametrize("path", ["completions", "responses", "messages"])
@pytest.mark.parametrize("stream", [False, True])
async def test_every_surface_goes_through_the_same_guards(whole: Inside, path: str, stream: bool) -> None:
    redacted = await ask(whole, "How is the weather?", path, stream=stream)
    assert redacted.status_code == 200, redacted.text
    assert "[WORD]" in redacted.text
    assert "xyzzy" not in redacted.text
    blocked = await ask(whole, "How is a bomb made?", path, stream=stream)
    assert blocked.status_code == 200, blocked.text
    assert "plugh" not in blocked.text
    assert ("refusal" if path == "messages" else "content_filter") in blocked.text


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_call_is_judged_whole_before_it_is_shown(whole: Inside, stream: bool) -> None:
    tool = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}
    reply = await ask(whole, "Please pay.", stream=stream, tools=[tool])
    assert reply.status_code == 200, reply.text
    assert "plugh" not in reply.text
    assert "content_filter" in reply.text


async def test_tokens_that_no_guard_can_read_are_refused(whole: Inside) -> None:
    body = {"model": "bot", "prompt": [1, 2, 3]}
    reply = await whole.client.post("/v1/completions", json=body, headers=await whole.key())
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "cannot_be_judged")
    assert "it came as tokens" in reply.json()["error"]["message"]
    assert orjson.loads(reply.headers["x-sluice-guards"])[0]["not_run"] == "it came as tokens"


CALLED = {"role": "assistant", "content": None}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "text", "text": "frobozz"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "frobozz"}]},
        {**CALLED, "function_call": {"name": "a", "arguments": '{"b": "frobozz"}'}},
        {**CALLED, "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "a", "input": "frobozz"}}]},
        {**CALLED, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "frobozz", "arguments": ""}}]},
    ],
)
async def test_every_text_of_a_message_is_judged(whole: Inside, message: Any) -> None:
    body = {"model": "bot", "messages": [{"role": "user", "content": "Hi."}, message]}
    reply = await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "content_filter"), reply.text


async def test_so_is_what_stands_beside_the_messages(whole: Inside) -> None:
    predicted = await ask(whole, "Hi.", prediction={"type": "content", "content": "frobozz"})
    assert predicted.json()["error"]["param"] == "prediction.content"
    assert (await ask(whole, "Hi.", "completions", suffix="frobozz")).json()["error"]["param"] == "suffix"


async def test_parts_that_are_no_text_are_told_of(whole: Inside) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    said = {"role": "user", "content": [{"type": "text", "text": "What is this, T-1234?"}, picture]}
    body = {"model": "bot", "messages": [said]}
    reply = await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())
    assert reply.status_code == 200, reply.text
    told = {entry["guard"]: entry for entry in orjson.loads(reply.headers["x-sluice-guards"])}
    assert (told["words"]["not_run"], told["words"]["source"]) == ("only text is read", "messages.0.content.1")
    assert told["numbers"]["action"] == "redact"


PROMPTED = """
policies:
  careful:
    input: [{guard: patterns, patterns: {ticket: 'T-[0-9]{4}'}, action: redact}]
prompts:
  greeter:
    variables: {note: {type: string}}
    messages:
      - {role: system, content: "Never mind T-0000. The note, as JSON: {{ note | tojson }}"}
      - {role: user, content: "{{ note }}"}
endpoints:
  prompted: {upstream: up, prompt: greeter, policy: careful}
"""


async def test_of_a_prompt_what_was_put_into_it_is_judged(whole: Inside) -> None:
    await whole.apply(PROMPTED)
    await whole.services.refresher.refresh()
    body = {"model": "prompted", "messages": [], "prompt": {"variables": {"note": 'see "T-1234"'}}}
    reply = await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())
    assert reply.status_code == 200, reply.text
    assert reply.json()["choices"][0]["message"]["content"] == 'see "[TICKET]"'
    assert orjson.loads(reply.headers["x-sluice-guards"])[0]["source"] == "prompt.variables.note"


async def test_variables_that_hold_documents_are_judged_as_such(whole: Inside) -> None:
    held = PROMPTED.replace("note: {type: string}", "note: {type: string}, context: {type: string}")
    held = held.replace("as JSON: {{ note | tojson }}", "on: {{ context }}").replace(
        'content: "{{ note }}"', 'content: "{{ note }} {{ context }}"'
    )
    guards = "[{guard: patterns, patterns: {ticket: 'T-[0-9]{4}'}, action: redact}]"
    await whole.apply(held.replace(f"input: {guards}", f"input: {guards}\n    documents: {guards}"))
    await whole.services.refresher.refresh()
    body = {"model": "prompted", "messages": [], "prompt": {"variables": {"note": "T-1111", "context": "T-2222"}}}
    reply = await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())
    assert reply.json()["choices"][0]["message"]["content"] == "[TICKET] [TICKET]"
    told = {entry["stage"]: entry["source"] for entry in orjson.loads(reply.headers["x-sluice-guards"])}
    assert told == {"input": "prompt.variables.note", "documents": "prompt.variables.context"}


async def test_values_at_any_depth_of_a_variable_are_judged_and_their_keys_told_nowhere(whole: Inside) -> None:
    deep = PROMPTED.replace("{type: string}", "{type: object}").replace(
        'content: "{{ note }}"', 'content: "{{ note | tojson }}"'
    )
    await whole.apply(deep)
    await whole.services.refresher.refresh()
    note = {"hunter2.a": ["T-1234", "and T-5678"], "b": "T-9999"}
    body = {"model": "prompted", "messages": [], "prompt": {"variables": {"note": note}}}
    reply = await whole.client.post("/v1/chat/completions", json=body, headers=await whole.key())
    assert reply.status_code == 200, reply.text
    said = orjson.loads(reply.json()["choices"][0]["message"]["content"])
    assert said == {"hunter2.a": ["[TICKET]", "and [TICKET]"], "b": "[TICKET]"}
    assert "hunter2" not in reply.headers["x-sluice-guards"]


async def test_an_endpoint_without_a_policy_is_left_alone(whole: Inside) -> None:
    reply = await ask(whole, "frobozz xyzzy plugh", model="free")
    assert reply.json()["choices"][0]["message"]["content"] == "frobozz xyzzy plugh"
    assert "x-sluice-guards" not in reply.headers
    (record,) = (await records(whole)).values()
    assert record.guards is None


async def test_another_policy_makes_another_release(whole: Inside) -> None:
    before = (await ask(whole, "Hi.")).headers["x-sluice-release"]
    await whole.apply(POLICY.replace("frobozz]", "frobozz, grue]"))
    await whole.services.refresher.refresh()
    after = await ask(whole, "Hi.")
    assert after.headers["x-sluice-release"] != before
    assert (await ask(whole, "A grue!")).status_code == 400


TOOLS = [
    {
        "type": "function",
        "function": {"name": name, "parameters": {"type": "object", "properties": {"to": {"type": kind}}}},
    }
    for name, kind in (("pay", "string"), ("count", "string"))
]
AGENTS = """
policies:
  agents:
    tool_calls:
      - {guard: tool_policy, action: block, dangerous: {send: [to]}}
endpoints:
  agent: {upstream: agents, policy: agents}
"""
ASKS = [
    {"when": "unknown", "call": {"name": "wipe", "arguments": {}}},
    {"when": "wrong", "call": {"name": "pay", "arguments": {"to": 7}}},
    {"when": "right", "call": {"name": "pay", "arguments": {"to": "Ada"}}},
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("said", "stopped"), [("unknown", True), ("wrong", True), ("right", False)])
async def test_tools_are_called_as_they_were_declared(tmp_path: Path, said: str, stopped: bool, stream: bool) -> None:
    up = {"provider": "scripted", "model": "m", "rules": ASKS}
    async with inside(tmp_path, upstreams={"agents": up}) as running:
        await running.apply(AGENTS)
        await running.services.refresher.refresh()
        reply = await ask(running, said, model="agent", tools=TOOLS, stream=stream)
    assert reply.status_code == 200, reply.text
    assert ("content_filter" in reply.text) == stopped
    assert ('"name":"pay"' in reply.text.replace(" ", "")) == (not stopped)
