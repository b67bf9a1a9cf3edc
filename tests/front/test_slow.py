"""Clients that dawdle are sent away. Time passes quickly here: the loop's clock runs `HURRY` times as fast as ours."""

from __future__ import annotations

import asyncio
import select
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.front.asgi import Receive, Scope, Send
from gateway.front.hot import KEEP_ALIVE, HotExchange, HotProtocol

HURRY = 200.0
TICK = 15.0
"""Seconds after which at the latest the gateway looks again."""
PATH = b"/v1/chat/completions"
UNREAD = 50_000_000
"""Bytes; more than the kernel takes in for a client that does not read."""
LONG = 2 * (KEEP_ALIVE + TICK)


class HurriedSelector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout and timeout / HURRY)
        return found


class HurriedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(HurriedSelector())

    def time(self) -> float:
        return super().time() * HURRY


@pytest.fixture
def port() -> Iterator[int]:
    """A hot front that says `{}` to whatever comes to `PATH`, after as long as the request's body says."""
    loop = HurriedLoop()

    async def serve(exchange: HotExchange) -> None:
        await asyncio.sleep(float(exchange.body))
        exchange.reply(200, b"", b"{}")

    async def heap(exchange: HotExchange) -> None:
        exchange.reply(200, b"", b"x" * UNREAD)

    async def pour(exchange: HotExchange) -> None:
        exchange.begin(b"", b"x" * UNREAD)
        await asyncio.sleep(1e9)

    config = Config(reads_all, log_level="warning")
    config.load()
    routes = {PATH: serve, b"/v1/embeddings": heap, b"/v1/responses": pour}
    served, state = ServerState(), {"hot_routes": routes, "unproven": lambda headers: None}
    making = loop.create_server(lambda: HotProtocol(config, served, state, loop), "127.0.0.1", 0)
    server = loop.run_until_complete(making)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    while served.connections:
        time.sleep(0.01)
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI front: waits for the whole request, as ours does, and answers a DELETE with a heap."""
    if scope["method"] == "DELETE":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % UNREAD)]})
        await send({"type": "http.response.body", "body": b"x" * UNREAD})
    while (await receive())["type"] != "http.disconnect":
        pass


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        yield client


def drip(client: socket.socket, data: bytes) -> None:
    """Send a byte a second, by the gateway's clock, until the gateway closes, as it must before the end."""
    client.settimeout(1 / HURRY)
    for sent in range(len(data)):
        try:
            client.sendall(data[sent : sent + 1])
            if client.recv(1) == b"":
                return
        except TimeoutError:
            continue
        except ConnectionError:
            return
    raise AssertionError("the gateway was patient to the end")


def request(seconds: float) -> bytes:
    body = b"%g" % seconds
    return b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (PATH, len(body), body)


def test_a_head_that_drips_is_cut_off(port: int) -> None:
    with connected(port) as client:
        drip(client, b"POST %b HTTP/1.1\r\nx-slow: " % PATH + b"a" * 1000)


def test_a_body_that_drips_is_cut_off(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n" % PATH)
        drip(client, b"0" * 1000)


def test_the_second_request_of_a_connection_may_not_drip_either(port: int) -> None:
    with connected(port) as client:
        client.sendall(request(0))
        assert client.recv(4096).endswith(b"{}")
        drip(client, b"POST %b HTTP/1.1\r\nx-slow: " % PATH + b"a" * 1000)


@pytest.mark.parametrize("first", [b"", b"P", request(0)[:-1]])
def test_a_client_that_falls_silent_is_cut_off(port: int, first: bytes) -> None:
    with connected(port) as client:
        client.sendall(first)
        assert client.recv(1) == b""


def test_an_idle_connection_is_closed(port: int) -> None:
    with connected(port) as client:
        client.sendall(request(0))
        assert client.recv(4096).endswith(b"{}")
        assert client.recv(1) == b""


def test_an_answer_may_take_as_long_as_it_takes(port: int) -> None:
    with connected(port) as client:
        client.sendall(request(LONG))
        assert client.recv(4096).endswith(b"{}")


def test_a_connection_in_use_stays(port: int) -> None:
    with connected(port) as client:
        for _ in range(12):
            client.sendall(request(0))
            assert client.recv(4096).endswith(b"{}")
            time.sleep(LONG / 12 / HURRY)


HANDED = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"


def test_a_head_that_drips_on_its_way_to_the_asgi_front_is_cut_off(port: int) -> None:
    with connected(port) as client:
        drip(client, HANDED + b"x-slow: " + b"a" * 1000)


def test_a_body_that_drips_on_its_way_to_the_asgi_front_is_cut_off(port: int) -> None:
    with connected(port) as client:
        client.sendall(b"POST /elsewhere HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
        drip(client, b"0" * 1000)


def test_a_client_that_falls_silent_on_its_way_to_the_asgi_front_is_cut_off(port: int) -> None:
    with connected(port) as client:
        client.sendall(HANDED)
        assert client.recv(1) == b""


@pytest.mark.parametrize("line", ["POST /v1/embeddings", "POST /v1/responses", "DELETE /elsewhere"])
def test_a_client_that_does_not_read_is_cut_off(port: int, line: str) -> None:
    """A whole reply, a stream that goes on, and the ASGI front's: none is kept for ever for a client that stalls."""
    with connected(port) as client:
        client.sendall(f"{line} HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n0".encode())
        broken = select.poll()
        broken.register(client, 0)  # only that the connection is gone
        assert broken.poll(20_000) != []
