"""litellm as a library: credentials go with each call, nothing is fetched for a client, the environment stays ours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from gateway.errors import GatewayError, UnsupportedParam
from gateway.providers.base import Ask
from gateway.providers.litellm import Library, LiteLLMConfig, LiteLLMProvider
from gateway.types import Json

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore:Items? '.*' on TypedDict"),  # pydantic on litellm's types, at their first use
]
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Paris."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 5, "output_tokens": 2},
}


@dataclass
class Anthropic:
    """Answers every request alike; keeps paths, keys and bodies, and connections as long as the client does."""

    url: str = ""
    status: int = 200
    location: str = ""
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    bodies: list[Json] = field(default_factory=list)
    connections: list[asyncio.Event] = field(default_factory=list)
    """Each set once the client has closed it."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = asyncio.Event()
        self.connections.append(left)
        try:
            while True:
                writer.write(await self._answer(reader))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            left.set()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        raw = await reader.readexactly(int(fields.get("content-length", 0)))
        self.paths.append(head[0])
        self.keys.append(fields.get("x-api-key"))
        self.bodies.append(orjson.loads(raw or b"{}"))
        body = orjson.dumps(ANSWER)
        more = f"Location: {self.location}\r\n".encode() if self.location else b""
        reply = b"HTTP/1.1 %d OK\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        return reply % (self.status, more, len(body), body)


@pytest.fixture
async def anthropic() -> AsyncIterator[Anthropic]:
    made = Anthropic()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield made


@asynccontextmanager
async def provider(anthropic: Anthropic, key: str = "k") -> AsyncIterator[LiteLLMProvider]:
    library = Library()
    try:
        yield LiteLLMProvider(LiteLLMConfig("anthropic/claude-x", {"api_base": anthropic.url, "api_key": key}), library)
    finally:
        await library.close()


def asked(content: Any = "Capital of France?", **fields: Any) -> Ask:
    return Ask("chat", {"model": "ours", "messages": [{"role": "user", "content": content}], "max_tokens": 9, **fields})


async def test_each_call_has_its_upstream_s_key_and_the_environment_none(
    anthropic: Anthropic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two accounts at one provider, asked together; a key that lies in the environment is neither used nor changed."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "ambient")
    before = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM_")}
    async with provider(anthropic, "one") as first, provider(anthropic, "two") as second:
        both = [first, second] * 3
        answers = await asyncio.gather(*(one.send(asked()) for one in both))
        texts = [orjson.loads(await answer.read())["choices"][0]["message"]["content"] for answer in answers]
    assert texts == ["Paris."] * 6
    assert sorted(key or "" for key in anthropic.keys) == ["one"] * 3 + ["two"] * 3
    after = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM_")}
    assert {name: after.get(name) for name in before} == before
    assert not {"one", "two"} & set(after.values())


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/a.png"}}, "image_url"),
        ({"type": "image_url", "image_url": "https://example.invalid/a.png"}, "image_url"),
        ({"type": "file", "file": {"file_id": "https://example.invalid/a.pdf"}}, "file"),
        ({"type": "file", "file": {"file_data": "http://127.0.0.1:9/a.pdf"}}, "file"),
        ({"type": "file", "file": {"file_url": "s3://bucket/a.pdf"}}, "file"),
        ({"type": "video_url", "video_url": {"url": "gs://bucket/a.mp4"}}, "video_url"),
        ({"type": "document", "source": {"type": "url", "url": "http://127.0.0.1:9/a"}}, "source"),
        ({"type": "tool_result", "content": [{"image_url": {"url": "http://127.0.0.1:9/a"}}]}, "content"),
    ],
)
async def test_nothing_is_fetched_for_a_client(anthropic: Anthropic, part: Json, name: str) -> None:
    async with provider(anthropic) as built:
        with pytest.raises(UnsupportedParam) as refused:
            await built.send(asked([{"type": "text", "text": "See"}, part]))
    assert refused.value.param == f"messages[0].content[1].{name}"
    assert anthropic.paths == []


async def test_what_is_in_the_request_itself_passes(anthropic: Anthropic) -> None:
    """A link in a text is a text."""
    picture = "data:image/png;base64,iVBORw0KGgo="
    parts = [
        {"type": "text", "text": "See https://example.invalid"},
        {"type": "image_url", "image_url": {"url": picture}},
    ]
    async with provider(anthropic) as built:
        await (await built.send(asked(parts))).read()
    content = anthropic.bodies[0]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image"]
    assert content[1]["source"]["data"] == "iVBORw0KGgo="


@pytest.mark.parametrize(
    "name",
    ["api_base", "api_key", "base_url", "mock_response", "fallbacks", "extra_headers", "aws_role_name", "callbacks"],
)
async def test_a_client_reaches_none_of_litellm_s_settings(anthropic: Anthropic, name: str) -> None:
    async with provider(anthropic) as built:
        with pytest.raises(GatewayError) as refused:
            await built.send(asked(**{name: "http://127.0.0.1:9"}))
    assert refused.value.param == name
    assert anthropic.paths == []


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_the_connections_are_closed_with_the_library(anthropic: Anthropic, status: int) -> None:
    """Those of calls that failed too; a connection that outlives its event loop is nobody's to close."""
    anthropic.status = status
    async with provider(anthropic) as built:
        try:
            await (await built.send(asked())).read()
        except GatewayError:
            assert status != 200
        assert [left.is_set() for left in anthropic.connections] == [False]
    await anthropic.connections[0].wait()


async def test_a_closed_provider_leaves_the_others_their_connections(anthropic: Anthropic) -> None:
    """litellm has one pool of connections for the process: an upstream may be removed while others are asked."""
    async with provider(anthropic) as first:
        config = LiteLLMConfig("anthropic/claude-x", {"api_base": anthropic.url, "api_key": "other"})
        second = LiteLLMProvider(config, first._library)
        await (await second.send(asked())).read()
        await second.close()
        assert [left.is_set() for left in anthropic.connections] == [False]
        await (await first.send(asked())).read()
    assert anthropic.keys == ["other", "k"]


@pytest.mark.parametrize("model", ["anthropic/m", "gemini/m", "openai/m", "mistral/m", "cohere_chat/m"])
@pytest.mark.parametrize("status", [302, 307, 308])
async def test_a_redirect_is_not_followed(anthropic: Anthropic, model: str, status: int) -> None:
    """It would carry the prompt, and with most clouds the key, to wherever the upstream says."""
    elsewhere = Anthropic()
    listening = await asyncio.start_server(elsewhere.serve, "127.0.0.1", 0)
    anthropic.status = status
    anthropic.location = f"http://localhost:{listening.sockets[0].getsockname()[1]}/"
    library = Library()
    built = LiteLLMProvider(LiteLLMConfig(model, {"api_base": anthropic.url, "api_key": "k"}), library)
    async with listening:
        with pytest.raises(GatewayError):
            await built.send(asked())
        await library.close()
    assert len(anthropic.paths) == 1
    assert elsewhere.connections == []
