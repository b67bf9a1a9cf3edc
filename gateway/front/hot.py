"""The hot path's front: HTTP/1.1 for POSTs to the model APIs, spoken by ourselves; all else is uvicorn's.

Handed to uvicorn as its `http=` protocol class. A connection begins here. A request that starts with one of the hot
paths and is plain (HTTP/1.1, a content length, no field given twice, nothing to upgrade or expect) is served by the
pipeline directly, which costs half of an ASGI cycle. At the first request that is anything else the whole connection
moves to uvicorn's own protocol for good, bytes read so far included, and the ASGI front serves it, through the same
pipeline.

Requests on a connection are answered strictly one after the other, pipelined or not. llhttp parses every head, in its
strict mode: contradicting lengths never get through.
"""

from __future__ import annotations

import asyncio
import http
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.errors import GatewayError
from gateway.front.cold import READ_TIME, ColdProtocol, cut_off
from gateway.front.exchange import STREAM_FIELDS, UNPROVEN_BYTES, Refusal, too_large
from gateway.http.base import Reply
from gateway.wire.body import JSON, MAX_REQUEST_BYTES

Serve = Callable[["HotExchange"], Coroutine[Any, Any, None]]
HotRoutes = Mapping[bytes, Serve]
"""What serves a hot path, by path; found in uvicorn's application state under `hot_routes`, beside `unproven`."""

MAX_HEAD_BYTES = 64 * 1024
HIGH_WATER = 256 * 1024
KEEP_ALIVE = 75.0
REQUEST_TIME = 60.0
"""Seconds a client may take to send one request."""
LINGER = 2.0
"""Seconds a refused upload is read on: closed on unread bytes, a connection is reset and the reply may be lost."""

STATUS_LINES = {s.value: b"HTTP/1.1 %d %b\r\n" % (s.value, s.phrase.encode()) for s in http.HTTPStatus}
STREAM_HEAD = STREAM_FIELDS + b"transfer-encoding: chunked\r\n"


class HotExchange:
    """An `Exchange` on one of our connections."""

    __slots__ = ("_connection", "body", "headers", "keep_alive", "refusal", "started")

    def __init__(self, connection: HotProtocol) -> None:
        self._connection: HotProtocol | None = connection
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.refusal: GatewayError | None = None
        self.started = 0
        self.keep_alive = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def reply(self, status: int, fields: bytes, body: bytes, kind: bytes = JSON) -> None:
        connection = self._connection
        if connection is not None:
            ours = b"content-type: %b\r\ncontent-length: %d\r\n" % (kind, len(body))
            connection.send(b"".join((self._head(connection, status, ours), fields, b"\r\n", body)))
            self.close()

    def begin(self, fields: bytes, events: bytes) -> None:
        if self._connection is not None:
            head = self._head(self._connection, 200, STREAM_HEAD)
            self._connection.send(b"%b%b\r\n%b" % (head, fields, _chunk(events)))

    def write(self, events: bytes) -> None:
        if self._connection is not None:
            self._connection.send(_chunk(events))

    def end(self, events: bytes) -> None:
        if self._connection is not None:
            self._connection.send(_chunk(events) + b"0\r\n\r\n")
            self.close()

    def flow(self, upstream: Reply) -> None:
        if self._connection is not None:
            self._connection.upstream = upstream

    def close(self) -> None:
        """The exchange is over; the connection is free for the next one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.answered(self.keep_alive)

    def lost(self) -> None:
        self._connection = None

    def _head(self, connection: HotProtocol, status: int, ours: bytes) -> bytes:
        head = STATUS_LINES[status] + connection.default_head() + ours
        return head if self.keep_alive else head + b"connection: close\r\n"


def _chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; nothing for nothing, since an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


class HotProtocol(asyncio.Protocol):
    """One connection of a client. Constructed by uvicorn, whose signature and life cycle it follows."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._routes: HotRoutes = app_state["hot_routes"]
        self._unproven: Refusal = app_state["unproven"]
        self._transport: asyncio.Transport | None = None
        self._exchange: HotExchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._received: bytes | bytearray = b""
        self._needed = 0
        """Bytes in `_received` that complete the request under way; 0 while its head is not here."""
        self._since = self._loop.time()
        """When the last request was answered, or the one under way began to arrive."""
        self._stalled: float | None = None
        """Since when the client takes nothing of what is written, or too little."""
        self._clock: asyncio.TimerHandle | None = None
        self._closing = False
        """The rest of what the client sends is read and thrown away."""
        self._default_headers: list[tuple[bytes, bytes]] | None = None
        self._default_head = b""
        self.upstream: Reply | None = None

    # asyncio.Protocol ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._server.connections.add(self)  # type: ignore[arg-type]  # uvicorn names its own classes only
        self._clock = self._loop.call_later(REQUEST_TIME, self._tick)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if not self._received:
            self._since = self._loop.time()
            self._received = data
        else:
            if type(self._received) is bytes:
                self._received = bytearray(self._received)  # in pieces: grow it in place
            self._received += data
        if self._exchange is not None and self._task is not None:
            if len(self._received) > MAX_HEAD_BYTES and self._transport is not None:
                self._transport.pause_reading()  # pipelined ahead: it waits in the kernel for its turn
            return
        self._advance()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._transport = None
        if self._clock is not None:
            self._clock.cancel()
        if self._exchange is not None:
            self._exchange.lost()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._stalled = self._loop.time()
        if self.upstream is not None:
            self.upstream.pause()

    def resume_writing(self) -> None:
        self._stalled = None
        if self.upstream is not None:
            self.upstream.resume()

    def shutdown(self) -> None:
        """uvicorn is stopping: finish what is under way, close what is idle."""
        if self._exchange is not None:
            self._exchange.keep_alive = False
        elif self._transport is not None:
            self._transport.close()

    # the request -----------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Go on with the request under way as far as the bytes reach."""
        if self._exchange is None and not self._begin():
            return
        if len(self._received) >= self._needed:
            self._dispatch()

    def _begin(self) -> bool:
        """Read a head, if a whole one is here. False: wait for more, or the connection is uvicorn's now."""
        received = self._received
        if not received:
            return False
        if not received.startswith(b"POST /v1/"[: len(received)]):
            self._hand_over()
            return False
        end = received.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(received) >= MAX_HEAD_BYTES:
                self._hand_over()  # uvicorn's limits and refusal
            return False
        head = bytes(received[: end + 4])
        exchange = HotExchange(self)
        parser = httptools.HttpRequestParser(exchange)
        try:
            parser.feed_data(head)
            length = int(exchange.headers[b"content-length"])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, KeyError, ValueError):
            self._hand_over()
            return False
        path = head[5 : head.find(b" ", 5)]
        once = len(exchange.headers) == head.count(b"\r\n") - 2  # no field is given twice
        plain = once and parser.get_http_version() == "1.1" and b"expect" not in exchange.headers
        if not plain or path not in self._routes:
            self._hand_over()
            return False
        exchange.keep_alive = parser.should_keep_alive()
        self._exchange = exchange
        self._path = path
        self._body_at = self._needed = end + 4
        if length > MAX_REQUEST_BYTES:
            exchange.refusal = too_large()
        elif length > UNPROVEN_BYTES:
            exchange.refusal = self._unproven(exchange.headers)
        if exchange.refusal is not None:
            exchange.keep_alive = False
        else:
            self._needed += length
        return True

    def _dispatch(self) -> None:
        exchange = self._exchange
        assert exchange is not None
        received, needed = self._received, self._needed
        exchange.body = bytes(received[self._body_at : needed])
        self._received = received[needed:]
        self._needed = 0
        if exchange.refusal is not None:
            self._closing = True
            self._received = b""
        exchange.started = time.perf_counter_ns()
        self._task = self._loop.create_task(self._routes[self._path](exchange))

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def answered(self, keep_alive: bool) -> None:
        """The exchange is over: on to the next request, which may be waiting already."""
        self._exchange = self._task = self.upstream = None
        self._since = self._loop.time()
        self._server.total_requests += 1
        if self._transport is None:
            return
        if self._closing:
            self._loop.call_later(LINGER, self._transport.close)
        elif not keep_alive:
            self._transport.close()
        elif self._received:
            self._transport.resume_reading()
            self._loop.call_soon(self._advance_if_idle)

    def default_head(self) -> bytes:
        """Date and server, which uvicorn renews once a second."""
        if self._default_headers is not self._server.default_headers:
            self._default_headers = self._server.default_headers
            self._default_head = b"".join([b"%b: %b\r\n" % pair for pair in self._default_headers])
        return self._default_head

    def _advance_if_idle(self) -> None:
        if self._exchange is None and self._transport is not None:
            self._advance()

    def _hand_over(self) -> None:
        """From here on this connection is uvicorn's."""
        transport, received = self._transport, bytes(self._received)
        assert transport is not None
        self._server.connections.discard(self)
        if self._clock is not None:
            self._clock.cancel()
        self._transport = None
        successor = ColdProtocol(self._config, self._server, self._app_state, self._loop)
        successor.connection_made(transport)
        transport.set_protocol(successor)
        successor.data_received(received)

    def _tick(self) -> None:
        """Close a connection that idles or dawdles. One timer a connection, however many requests it carries."""
        if self._transport is None:
            return
        now = self._loop.time()
        limit = REQUEST_TIME if self._received or self._exchange is not None else KEEP_ALIVE
        if self._stalled is not None and now - self._stalled > READ_TIME:
            cut_off(self._transport)
        elif self._task is None and now - self._since > limit and not self._transport.is_closing():
            self._transport.close()
            self._stalled = self._stalled or now
        self._clock = self._loop.call_later(15.0, self._tick)
