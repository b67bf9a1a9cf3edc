"""The fast path to OpenAI-compatible servers: what is sent, and what every kind of answer becomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from gateway.errors import BadRequest, GatewayError, RateLimited, UpstreamFailed, UpstreamRefused
from gateway.http.h1 import H1Client
from gateway.providers.base import Ask
from gateway.providers.credentials import Credential, Fields, StaticKey
from gateway.providers.openai import PATHS, OpenAIConfig, OpenAIProvider
from gateway.types import Json, Operation

pytestmark = pytest.mark.anyio
EVENTS = b'data: {"choices":[]}\n\ndata: [DONE]\n\n'


@dataclass
class Server:
    """Keeps what it was asked; answers with `status`, `kind` and `body`."""

    url: str = ""
    status: int = 200
    kind: bytes = b"application/json"
    body: bytes = b"{}"
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
        body = await reader.readexactly(int(fields["content-length"]))
        self.asked.append((head[0], fields, body))
        reply = b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
        writer.write(reply % (self.status, self.kind, len(self.body), self.body))
        await writer.drain()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    async with listening:
        yield made


@asynccontextmanager
async def provider(
    server: Server, credential: Credential | None = None, **config: Any
) -> AsyncIterator[OpenAIProvider]:
    client = H1Client()
    made = OpenAIProvider(OpenAIConfig("theirs", server.url, **config), client, credential)
    try:
        yield made
    finally:
        await made.close()
        await client.close()


def asking(stream: bool = False, trace: bytes = b"", **fields: Any) -> Ask:
    return Ask("chat", {"model": "ours", "messages": [], **fields}, stream, trace=trace)


def sent(server: Server) -> Json:
    body: Json = orjson.loads(server.asked[-1][2])
    return body


@pytest.mark.parametrize("operation", PATHS)
async def test_each_operation_has_its_path(server: Server, operation: Operation) -> None:
    async with provider(server, query={"api-version": "2026-01-01"}) as built:
        await (await built.send(Ask(operation, {"model": "ours"}))).read()
    assert server.asked[0][0] == f"POST /v1{PATHS[operation]}?api-version=2026-01-01 HTTP/1.1"


async def test_a_base_url_may_end_in_a_slash(server: Server) -> None:
    server.url += "/"
    async with provider(server) as built:
        await (await built.send(asking())).read()
    assert server.asked[0][0].startswith("POST /v1/chat/completions HTTP")


async def test_the_body_is_passed_on_under_the_model_s_own_name(server: Server) -> None:
    async with provider(server) as built:
        await (await built.send(asking(temperature=0.5, unknown={"a": [1]}))).read()
    assert sent(server) == {"model": "theirs", "messages": [], "temperature": 0.5, "unknown": {"a": [1]}}


async def test_fields_are_renamed_for_servers_that_call_them_otherwise(server: Server) -> None:
    async with provider(server, rename={"max_completion_tokens": "max_tokens"}) as built:
        await (await built.send(asking(max_completion_tokens=5))).read()
        assert sent(server) == {"model": "theirs", "messages": [], "max_tokens": 5}
        await (await built.send(asking(max_tokens=7))).read()
        assert sent(server)["max_tokens"] == 7


async def test_what_every_request_carries(server: Server) -> None:
    extra = {"OpenAI-Organization": "org-1"}
    async with provider(server, StaticKey("authorization", "k"), headers=extra) as built:
        await (await built.send(asking(trace=b"traceparent: 00-abc\r\n"))).read()
    fields = server.asked[0][1]
    assert (fields["authorization"], fields["openai-organization"]) == ("Bearer k", "org-1")
    assert (fields["traceparent"], fields["content-type"]) == ("00-abc", "application/json")


async def test_a_renewed_credential_is_sent_at_once(server: Server) -> None:
    class Renewed:
        """A new token each time it is awaited; `current` until told otherwise."""

        def __init__(self) -> None:
            self.number = 0
            self.current: Fields | None = None

        async def fields(self) -> Fields:
            self.number += 1
            self.current = ((b"authorization", b"Bearer t%d" % self.number),)
            return self.current

        async def close(self) -> None: ...

    credential = Renewed()
    async with provider(server, credential) as built:
        for _ in range(2):
            await (await built.send(asking())).read()
        credential.current = None
        await (await built.send(asking())).read()
    assert [fields["authorization"] for _, fields, _ in server.asked] == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_stream_must_be_one(server: Server) -> None:
    server.body = EVENTS
    async with provider(server) as built:
        for kind in (b"text/event-stream", b"text/event-stream; charset=utf-8"):
            server.kind = kind
            assert await (await built.send(asking(stream=True))).read() == EVENTS
        server.kind = b"application/json"
        with pytest.raises(UpstreamFailed) as failed:
            await built.send(asking(stream=True))
    assert failed.value.code == "upstream_garbage"


@pytest.mark.parametrize(("status", "kind"), [(400, BadRequest), (429, RateLimited), (500, UpstreamRefused)])
async def test_a_refusal_is_raised(server: Server, status: int, kind: type[GatewayError]) -> None:
    server.status, server.body = status, b'{"error":{"message":"No."}}'
    async with provider(server) as built:
        for stream in (False, True):
            with pytest.raises(kind) as refused:
                await built.send(asking(stream=stream))
            assert "No." in refused.value.message


@pytest.mark.parametrize(
    ("status", "well"), [(200, True), (404, True), (405, True), (401, False), (403, False), (503, False)]
)
async def test_a_look_costs_no_tokens(server: Server, status: int, well: bool) -> None:
    """Servers without a list of models are well; those that refuse our key, or are down, are not."""
    server.status = status
    async with provider(server, StaticKey("api-key", "k")) as built:
        if well:
            await built.check()
        else:
            with pytest.raises(GatewayError):
                await built.check()
    line, fields, body = server.asked[0]
    assert (line, fields["api-key"], body) == ("GET /v1/models HTTP/1.1", "k", b"")
