"""The contract of `gateway.http.base.HttpClient`, kept by both clients against real servers that misbehave."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from gateway.errors import GatewayError, UpstreamFailed, UpstreamTimeout
from gateway.http.base import HttpClient, Target, Timeouts, header
from gateway.http.h1 import H1Client
from gateway.http.proxied import ProxiedClient

pytestmark = pytest.mark.anyio

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Request-Id: up\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
QUICK = Timeouts(connect=1, first_byte=0.3, idle=0.3, total=5)


@pytest.fixture(params=[H1Client, ProxiedClient])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[HttpClient]:
    made = request.param()
    yield made
    await made.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line[15:]))
    return head


@asynccontextmanager
async def upstream(handler: Handler) -> AsyncIterator[str]:
    """A server with our own hands on the socket; gives its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/x?y=1"


def says(*pieces: bytes) -> Handler:
    """Reads one request, sends the pieces apart, closes."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.005)

    return handler


async def test_a_plain_exchange(client: HttpClient) -> None:
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await read_request(reader))
            writer.write(OK)

    async with upstream(handler) as url:
        target = Target(url, ((b"authorization", b"Bearer x"),))
        for _ in range(3):
            reply = await client.send(target, b"{}", Timeouts(), b"traceparent: 00-a\r\n")
            assert (reply.status, await reply.read()) == (200, b"ok")
            assert header(reply.headers, b"x-request-id") == b"up"
    assert len(seen) == 3
    assert seen[0].startswith(b"POST /v1/x?y=1 HTTP/1.1\r\n")
    assert seen[0].endswith(b"{}")
    assert b"traceparent: 00-a" in seen[0].lower()


async def test_connections_are_kept_alive(client: HttpClient) -> None:
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            writer.write(OK)

    async with upstream(handler) as url:
        for _ in range(5):
            await (await client.send(Target(url), b"{}", Timeouts())).read()
    assert connections == 1


def cuts(data: bytes) -> Iterator[list[bytes]]:
    yield [data[i : i + 1] for i in range(len(data))]
    for size in (2, 3, 7):
        yield (
            [bytes(x) for x in itertools.batched(data, size)]
            if hasattr(itertools, "batched")
            else [data[i : i + size] for i in range(0, len(data), size)]
        )


async def test_a_chunked_body_survives_any_cut(client: HttpClient) -> None:
    text = "héllo ☃".encode()
    wire = CHUNKED + b"%x;ext=1\r\n%b\r\n2\r\n!!\r\n0\r\n\r\n" % (len(text), text)
    for pieces in cuts(wire):
        async with upstream(says(*pieces)) as url:
            got: list[bytes] = []
            reply = await client.send(Target(url), b"{}", Timeouts())
            await reply.pump(got.append)
            assert b"".join(got) == text + b"!!"


async def test_a_body_that_lasts_until_the_connection_ends(client: HttpClient) -> None:
    async with upstream(says(b"HTTP/1.0 200 OK\r\n\r\n", b"one ", b"two")) as url:
        reply = await client.send(Target(url), b"{}", Timeouts())
        assert await reply.read() == b"one two"


async def test_an_informational_reply_is_passed_over(client: HttpClient) -> None:
    async with upstream(says(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK)) as url:
        reply = await client.send(Target(url), b"{}", Timeouts())
        assert (reply.status, await reply.read()) == (200, b"ok")


async def test_a_redirect_is_not_followed(client: HttpClient) -> None:
    wire = b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    async with upstream(says(wire)) as url:
        assert (await client.send(Target(url), b"{}", Timeouts())).status == 307


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        CHUNKED + b"5\r\nhel",
        CHUNKED + b"5\r\nhello\r\n",
    ],
)
async def test_a_cut_reply_is_an_error_never_a_success(client: HttpClient, wire: bytes) -> None:
    async with upstream(says(wire)) as url:
        got: list[bytes] = []
        with pytest.raises(UpstreamFailed) as caught:
            await (await client.send(Target(url), b"{}", Timeouts())).pump(got.append)
    assert caught.value.code in ("upstream_cut", "upstream_garbage")


@pytest.mark.parametrize(
    "wire",
    [b"", b"HTTP/1.1 2", b"SSH-2.0-OpenSSH\r\n", b"\x00" * 64, b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
)
async def test_garbage_is_an_error(client: HttpClient, wire: bytes) -> None:
    async with upstream(says(wire)) as url:
        with pytest.raises(UpstreamFailed):
            await (await client.send(Target(url), b"{}", Timeouts())).read()


async def test_nobody_listens(client: HttpClient) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        await client.send(Target("http://127.0.0.1:1/"), b"{}", Timeouts())
    assert caught.value.code == "upstream_unreachable"


async def test_an_unknown_name(client: HttpClient) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        await client.send(Target("http://no-such-host.invalid/"), b"{}", Timeouts())
    assert caught.value.code == "upstream_unreachable"


async def test_a_silent_upstream_runs_into_the_first_token_limit(client: HttpClient) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with upstream(handler) as url:
        with pytest.raises(UpstreamTimeout) as caught:
            await (await client.send(Target(url), b"{}", QUICK)).read()
    assert caught.value.code == "first_token_timeout"


async def test_a_stalled_stream_runs_into_the_idle_limit(client: HttpClient) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(CHUNKED + b"5\r\nhello\r\n")
        await reader.read()

    async with upstream(handler) as url:
        got: list[bytes] = []
        with pytest.raises(UpstreamTimeout) as caught:
            await (await client.send(Target(url), b"{}", QUICK)).pump(got.append)
    assert (caught.value.code, got) == ("idle_timeout", [b"hello"])


async def test_a_drip_runs_into_the_total_limit(client: HttpClient) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(CHUNKED)
        while True:
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with upstream(handler) as url:
        with pytest.raises(UpstreamTimeout) as caught:
            await (await client.send(Target(url), b"{}", Timeouts(1, 1, 1, 0.4))).pump(lambda _: None)
    assert caught.value.code == "total_timeout"


async def test_cancelling_closes_the_connection(client: HttpClient) -> None:
    gone = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(CHUNKED + b"5\r\nhello\r\n")
        await reader.read()
        gone.set()

    async with upstream(handler) as url:
        reply = await client.send(Target(url), b"{}", Timeouts())
        task = asyncio.create_task(reply.pump(lambda _: None))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), 2)


async def test_what_the_sink_raises_ends_the_reply(client: HttpClient) -> None:
    def sink(data: bytes) -> None:
        raise UpstreamFailed("enough", code="mine")

    async with upstream(says(CHUNKED, b"5\r\nhello\r\n", b"0\r\n\r\n")) as url:
        with pytest.raises(GatewayError) as caught:
            await (await client.send(Target(url), b"{}", Timeouts())).pump(sink)
    assert caught.value.code == "mine"


async def test_a_paused_reply_does_not_flow(client: HttpClient) -> None:
    async with upstream(says(CHUNKED, b"1\r\na\r\n", *[b"1\r\nb\r\n"] * 20, b"0\r\n\r\n")) as url:
        reply = await client.send(Target(url), b"{}", Timeouts())
        got: list[bytes] = []

        holding = True

        def sink(data: bytes) -> None:
            got.append(data)
            if holding:
                reply.pause()

        task = asyncio.create_task(reply.pump(sink))
        await asyncio.sleep(0.3)
        paused_at = len(b"".join(got))
        holding = False
        reply.resume()
        await task
    assert paused_at < 21
    assert b"".join(got) == b"a" + b"b" * 20


async def test_a_connection_closed_while_idle_is_not_noticed_by_the_caller(client: HttpClient) -> None:
    """The keep-alive race: each connection serves one request, then closes without having said so."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()

    async with upstream(handler) as url:
        for _ in range(20):
            reply = await client.send(Target(url), b"{}", Timeouts())
            assert await reply.read() == b"ok"


@pytest.mark.parametrize("url", ["ftp://x/", "http:///x", "http://user:pw@host/", "nonsense"])
def test_a_bad_url_is_refused_when_the_target_is_made(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|http"):
        Target(url)


def test_a_header_cannot_smuggle_another() -> None:
    with pytest.raises(ValueError, match="line break"):
        Target("http://x/", ((b"a", b"b\r\nc: d"),))
