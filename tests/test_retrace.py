"""A call traced back to its prompt: what was given, sent and answered, as far as that is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import NotFound
from gateway.retrace import Retraced, retrace
from gateway.store import contents
from tests.inside import Inside, inside
from tests.waiting import until

pytestmark = pytest.mark.anyio

MANIFEST = """
prompts:
  greeter:
    variables: {name: string, tone: {type: string, maxLength: 6, default: warm}}
    messages:
      - {role: system, content: "Be {{ tone }} to {{ name }}."}
endpoints:
  greeter: {prompt: greeter, upstream: demo}
  plain: {upstream: demo}
"""
PROMPT = {"prompt": {"variables": {"name": "Ada"}}}
HELLO = [{"role": "user", "content": "Hello."}]
SENT = [{"role": "system", "content": "Be warm to Ada."}, *HELLO]
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HELLO},
    "/v1/messages": {"messages": HELLO, "max_tokens": 99},
    "/v1/responses": {"input": "Hello."},
}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    upstreams = {"demo": {"provider": "scripted", "rules": [{"say": "Good day, Ada."}]}}
    content = {"capture": "full", "max_bytes": 4096}
    async with inside(tmp_path, upstreams=upstreams, content=content) as started:
        await started.apply(MANIFEST)
        started.client.headers.update(await started.key("admin"))
        yield started


async def traced(running: Inside, path: str, body: dict[str, Any]) -> Retraced:
    """The call made by that request, once its record and content have come."""
    reply = await running.client.post(path, json=body)
    call = reply.headers["x-request-id"]

    async def there() -> bool:
        kept = await running.services.read(lambda connection: contents.get(connection, call))
        found = await running.client.get(f"/admin/calls/{call}")
        return kept is not None and found.status_code == 200

    await until(there)
    found: Retraced = await running.services.read(lambda connection: retrace(connection, call))
    return found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ASKED)
async def test_what_was_given_sent_and_answered(running: Inside, path: str, stream: bool) -> None:
    found = await traced(running, path, {"model": "greeter", **ASKED[path], **PROMPT, "stream": stream})
    assert found.release is not None
    assert found.release.prompt is not None
    assert (found.release.prompt.name, found.release.prompt.number) == ("greeter", 1)
    assert found.variables == {"name": "Ada"}
    assert found.messages == SENT
    assert found.answer == "Good day, Ada."
    assert found.missing == ()


async def test_an_endpoint_without_a_prompt(running: Inside) -> None:
    found = await traced(running, "/v1/chat/completions", {"model": "plain", "messages": HELLO})
    assert found.release is not None
    assert (found.release.prompt, found.variables, found.messages) == (None, {}, HELLO)


async def test_an_upstream_asked_by_name(running: Inside) -> None:
    found = await traced(running, "/v1/chat/completions", {"model": "demo", "messages": HELLO})
    assert (found.release, found.messages, found.answer) == (None, HELLO, "Good day, Ada.")


async def test_what_was_redacted_stays_so(running: Inside) -> None:
    prompt = {"prompt": {"variables": {"name": "ada@example.com"}}}
    found = await traced(running, "/v1/chat/completions", {"model": "greeter", "messages": HELLO, **prompt})
    assert found.variables == {"name": "[email]"}
    assert found.messages is not None
    assert found.messages[0]["content"] == "Be warm to [email]."


async def test_a_request_that_was_cut(running: Inside) -> None:
    long = [{"role": "user", "content": "word " * 1000}]
    found = await traced(running, "/v1/chat/completions", {"model": "greeter", "messages": long, **PROMPT})
    assert (found.variables, found.messages) == (None, None)
    assert found.answer == "Good day, Ada."
    assert [reason.split(",")[0] for reason in found.missing] == ["What the client sent is cut"]


async def test_what_was_redacted_may_fit_no_more(running: Inside) -> None:
    prompt = {"prompt": {"variables": {"name": "Ada", "tone": "a@b.co"}}}
    found = await traced(running, "/v1/chat/completions", {"model": "greeter", "messages": HELLO, **prompt})
    assert (found.variables, found.messages) == (None, None)
    assert "tone" in found.missing[0]
    assert found.answer == "Good day, Ada."


async def test_a_conversation_that_goes_on(running: Inside) -> None:
    first = await running.client.post("/v1/responses", json={"model": "plain", "input": "Hello."})
    found = await traced(
        running,
        "/v1/responses",
        {"model": "plain", "input": "And now?", "previous_response_id": first.json()["id"]},
    )
    assert found.messages == [{"role": "user", "content": "And now?"}]
    assert first.json()["id"] in found.missing[0]


async def test_a_surface_without_messages(running: Inside) -> None:
    found = await traced(running, "/v1/embeddings", {"model": "demo", "input": "Hello."})
    assert (found.messages, found.variables) == (None, None)
    assert found.missing


async def test_without_contents_the_version_is_known(tmp_path: Path) -> None:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as running:
        await running.apply(MANIFEST)
        running.client.headers.update(await running.key("admin"))
        reply = await running.client.post(
            "/v1/chat/completions", json={"model": "greeter", "messages": HELLO, **PROMPT}
        )
        call = reply.headers["x-request-id"]

        async def recorded() -> bool:
            return (await running.client.get(f"/admin/calls/{call}")).status_code == 200

        await until(recorded)
        await running.client.post("/v1/feedback", json={"call": call, "score": 0, "correction": "Good morning."})
        shown = (await running.client.get(f"/admin/calls/{call}/prompt")).json()
        assert (shown["prompt"]["name"], shown["prompt"]["version"]) == ("greeter", 1)
        assert shown["prompt"]["draft"]["messages"] == [{"role": "system", "content": "Be {{ tone }} to {{ name }}."}]
        assert (shown["variables"], shown["messages"], shown["answer"]) == (None, None, None)
        assert [said["correction"] for said in shown["feedback"]] == ["Good morning."]
        assert "content" in shown["missing"][0]
        missing = await running.client.get("/admin/calls/req_none/prompt")
        assert (missing.status_code, missing.json()["error"]["param"]) == (404, "request_id")
        refused = await running.client.get(f"/admin/calls/{call}/prompt", headers=await running.key("viewer"))
        assert refused.status_code == 403
        with pytest.raises(NotFound):
            await running.services.read(lambda connection: retrace(connection, "req_none"))
