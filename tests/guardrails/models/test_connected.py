"""Asking servers of others: alive, dead, slow, broken, boundless. Whatever they do, it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from guardrails.errors import NotRun, Overloaded
from guardrails.models.cached import CachedModels
from guardrails.models.connected import FAILURES, ConnectedModels
from guardrails.outside import Request, outside
from tests.guardrails.guards.asking import Hashing, NoModels
from tests.guardrails.models.box import answers, nobody, odd, request

pytestmark = pytest.mark.anyio


@pytest.fixture
async def connected() -> AsyncIterator[ConnectedModels]:
    found = ConnectedModels(CachedModels(Hashing()), most=8)
    yield found
    await found.close()


def asked(url: str, most: int = 1000, budget: float = 10) -> Request:
    return Request(url, b'{"text": "x"}', {"x-key": "k"}, most, budget)


async def test_an_answer_is_its_body(connected: ConnectedModels) -> None:
    async with odd(answers(201, b'{"score": 1}')) as url:
        for _ in range(3):
            assert await connected.post(asked(url)) == b'{"score": 1}'


async def test_what_is_sent_is_json_with_the_headers(connected: ConnectedModels) -> None:
    heard = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append((head.lower(), await reader.readexactly(13)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with odd(handle) as url:
        await connected.post(asked(f"{url}/check?v=1"))
    ((head, body),) = heard
    assert head.startswith(b"post /check?v=1 http/1.1\r\n")
    assert b"\r\ncontent-type: application/json\r\n" in head
    assert b"\r\nx-key: k\r\n" in head
    assert body == b'{"text": "x"}'


@pytest.mark.parametrize("status", [204, 304, 400, 404, 429, 500, 503])
async def test_another_status_is_no_answer(connected: ConnectedModels, status: int) -> None:
    async with odd(answers(status, b"")) as url:
        if status == 204:
            assert await connected.post(asked(url)) == b""
            return
        for _ in range(FAILURES + 1):  # and none that the server is left alone for
            with pytest.raises(NotRun, match=f"^the server answered with {status}$"):
                await connected.post(asked(url))


async def test_redirects_are_not_followed(connected: ConnectedModels) -> None:
    reached = []

    async def inside(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await request(reader))

    async with odd(inside) as secret:

        async def away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request(reader)
            writer.write(b"HTTP/1.1 307 X\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % secret.encode())
            await writer.drain()

        async with odd(away) as url:
            with pytest.raises(NotRun, match="answered with 307"):
                await connected.post(asked(url))
    assert reached == []


@pytest.mark.parametrize("host", ["169.254.169.254", "100.100.100.200", "[::ffff:169.254.169.254]", "[fe80::1]"])
async def test_no_server_is_asked_that_tells_machines_their_secrets(connected: ConnectedModels, host: str) -> None:
    with pytest.raises(NotRun, match="an address that no guard asks"):
        await connected.post(asked(f"http://{host}/latest/meta-data"))


async def test_who_says_too_much_is_not_heard(connected: ConnectedModels) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n%b\r\n" % (b"x" * 1024))
            await writer.drain()

    async with odd(endless) as url:
        with pytest.raises(NotRun, match="more than 1000 bytes"):
            await connected.post(asked(url))
    async with odd(answers(200, b"x" * 1000)) as url:
        assert len(await connected.post(asked(url))) == 1000


@pytest.mark.parametrize(
    "said",
    [b"", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf", b"HTTP/1.1 abc\r\n\r\n"],
)
async def test_what_is_no_http_is_no_answer(connected: ConnectedModels, said: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(said)
        await writer.drain()

    async with odd(handle) as url:
        with pytest.raises(NotRun, match="broke off, or speaks no HTTP"):
            await connected.post(asked(url))


@pytest.mark.parametrize(("budget", "told"), [(0.05, NotRun), (60, TimeoutError)])
async def test_a_server_that_is_silent_is_left_alone_and_one_that_nobody_waits_for_is_not(
    connected: ConnectedModels, budget: float, told: type[Exception]
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        await asyncio.sleep(60)

    async with odd(silent) as url:
        for _ in range(FAILURES):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(connected.post(asked(url, budget=budget)), 0.05)
        with pytest.raises(told):
            await asyncio.wait_for(connected.post(asked(url, budget=budget)), 0.05)


async def test_a_server_that_is_dead_is_left_alone_and_others_are_not(connected: ConnectedModels) -> None:
    dead = nobody()
    for _ in range(FAILURES):
        with pytest.raises(NotRun, match="the server cannot be reached"):
            await connected.post(asked(dead))
    with pytest.raises(NotRun, match="left alone for some seconds"):
        await connected.post(asked(f"{dead}/elsewhere"))
    async with odd(answers(200, b"{}")) as url:
        assert await connected.post(asked(url)) == b"{}"


async def test_too_many_at_once_are_turned_away_and_who_leaves_makes_room() -> None:
    connected = ConnectedModels(CachedModels(NoModels()), most=2)
    begun = asyncio.Semaphore(0)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        begun.release()
        await reader.read()

    async with odd(silent) as url:
        waiting = [asyncio.create_task(connected.post(asked(url))) for _ in range(2)]
        for _ in waiting:
            await begun.acquire()
        with pytest.raises(Overloaded, match="2 requests wait"):
            await connected.post(asked(url))
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        again = asyncio.create_task(connected.post(asked(url)))
        await begun.acquire()
        again.cancel()
        await asyncio.wait([again])
    await connected.close()


async def test_once_closed_nobody_is_asked(connected: ConnectedModels) -> None:
    await connected.close()
    with pytest.raises(NotRun, match="closed"):
        await connected.post(asked(nobody()))


async def test_it_lends_the_models_of_another(connected: ConnectedModels) -> None:
    assert outside(connected) is connected
    assert (await connected.embed(["a", "b"])).shape[0] == 2
    with pytest.raises(NotRun, match="no model prompts"):
        await connected.score("prompts", [("a",)])
    assert "guard_cache_hits" in connected.gauges()


async def test_models_alone_ask_nobody() -> None:
    with pytest.raises(NotRun, match="nothing was lent"):
        outside(NoModels())
