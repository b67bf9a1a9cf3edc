"""The ASGI front: every route, the model APIs included, for uvicorn's own connections and any other ASGI server."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from gateway.access import Access
from gateway.errors import BadRequest, GatewayError, MethodNotAllowed, NotFound, error_body
from gateway.front.exchange import STREAM_FIELDS, UNPROVEN_BYTES, Exchange, Refusal, too_large
from gateway.http.base import Reply
from gateway.wire.body import JSON, MAX_REQUEST_BYTES
from gateway.wire.headers import lines, refusal_headers

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Params = dict[str, str]
"""The fields of a URL's query and the `{name}` segments of its path, which outrank them."""
SINGLE = frozenset((b"authorization", b"content-encoding", b"content-length", b"content-type", b"host", b"x-api-key"))
"""Header fields that decide something, and so may be given once."""
HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024


@dataclass(frozen=True)
class Route:
    """One route of the data plane. `path` may hold `{name}` segments; `serve` answers the exchange and never raises."""

    method: str
    path: str
    access: Access
    serve: Callable[[Exchange, Params], Awaitable[None]]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(
            re.sub(r"\{(\w+)\}", r"(?P<\1>.+)", re.escape(self.path).replace(r"\{", "{").replace(r"\}", "}"))
        )


class AsgiExchange:
    """An `Exchange` carried by an ASGI server: what is written waits here until the server has taken it."""

    def __init__(self, scope: Scope, body: bytes, refusal: GatewayError | None) -> None:
        self.body = body
        self.refusal = refusal
        self.started = time.perf_counter_ns()
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._outbox: deque[Message] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._upstream: Reply | None = None
        self._paused = False

    def reply(self, status: int, fields: bytes, body: bytes, kind: bytes = JSON) -> None:
        headers = [*_pairs(fields), (b"content-type", kind), (b"content-length", b"%d" % len(body))]
        if self.refusal is not None:
            headers.append((b"connection", b"close"))  # the rest of the body, if any, is not read as a request
        self._put({"type": "http.response.start", "status": status, "headers": headers})
        self._put({"type": "http.response.body", "body": body})

    def begin(self, fields: bytes, events: bytes) -> None:
        self._put({"type": "http.response.start", "status": 200, "headers": _pairs(fields + STREAM_FIELDS)})
        self.write(events)

    def write(self, events: bytes) -> None:
        self._put({"type": "http.response.body", "body": events, "more_body": True})

    def end(self, events: bytes) -> None:
        self._put({"type": "http.response.body", "body": events})

    def flow(self, upstream: Reply) -> None:
        self._upstream = upstream

    async def carry(self, send: Send) -> None:
        """Give the server what is written until the reply is complete."""
        while True:
            while not self._outbox:
                self._wake.clear()
                await self._wake.wait()
            message = self._outbox.popleft()
            await send(message)
            self._waiting -= len(message.get("body", b""))
            if self._paused and self._waiting < LOW_WATER and self._upstream is not None:
                self._paused = False
                self._upstream.resume()
            if message["type"] == "http.response.body" and not message.get("more_body"):
                return

    def _put(self, message: Message) -> None:
        self._outbox.append(message)
        self._waiting += len(message.get("body", b""))
        self._wake.set()
        if self._waiting > HIGH_WATER and self._upstream is not None and not self._paused:
            self._paused = True
            self._upstream.pause()


def _pairs(fields: bytes) -> list[tuple[bytes, bytes]]:
    """Header lines as ASGI wants them."""
    pairs = (line.partition(b": ") for line in fields.split(b"\r\n") if line)
    return [(name, value) for name, _, value in pairs]


@dataclass(frozen=True)
class Served:
    """What a running application serves. `admin` answers everything under `/admin`; `state` becomes the server's
    application state, where the hot front finds its routes."""

    routes: Sequence[Route]
    admin: App
    unproven: Refusal
    state: dict[str, Any]


class AsgiFront:
    """The ASGI application; `lifespan` starts what it serves and stops it again."""

    def __init__(self, lifespan: Callable[[], AbstractAsyncContextManager[Served]]) -> None:
        self._lifespan = lifespan
        self._served: Served | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif (twice := _given_twice(scope["headers"])) is not None:
            await _refuse(twice, _named(send))
        elif scope["path"] == "/admin" or scope["path"].startswith("/admin/"):
            await self._administer(scope, receive, _named(send))
        else:
            await self._serve(scope, receive, _named(send))

    @property
    def served(self) -> Served:
        assert self._served is not None, "the ASGI server must run the application's lifespan"
        return self._served

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            route, params = self._match(scope["method"], scope["path"])
        except GatewayError as error:
            await _refuse(error, send)
            return
        params = {**dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)), **params}
        body, refusal = await _body(dict(scope["headers"]), self.served.unproven, receive)
        exchange = AsgiExchange(scope, body, refusal)
        work = asyncio.ensure_future(route.serve(exchange, params))
        # with a refusal there is no work to stop, and to listen would invite a client that waits to send its body
        gone = asyncio.ensure_future(_gone(receive, work)) if refusal is None else None
        try:
            await exchange.carry(send)
        except BaseException:
            work.cancel()
            raise
        finally:
            if gone is not None:
                gone.cancel()  # with its reply whole, a client may leave: what goes on in the background goes on

    async def _administer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """FastAPI reads a body of any size, and before it asks for a key: here it gets one that is bounded."""
        body, refusal = await _body(dict(scope["headers"]), self.served.unproven, receive)
        if refusal is not None:
            exchange = AsgiExchange(scope, b"", refusal)
            exchange.reply(refusal.status, lines(refusal_headers(refusal)), error_body(refusal))
            await exchange.carry(send)
            return
        waiting: list[Message] = [{"type": "http.request", "body": body}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.served.admin(scope, replay, send)

    def _match(self, method: str, path: str) -> tuple[Route, Params]:
        method = "GET" if method == "HEAD" else method
        others = []
        for route in self.served.routes:
            found = route.pattern.fullmatch(path)
            if found is not None and route.method == method:
                return route, found.groupdict()
            if found is not None:
                others.append(route.method)
        if others:
            raise MethodNotAllowed(f"{path[:200]} does not take {method}; it takes {', '.join(others)}.", others)
        raise NotFound(f"Unknown request URL: {method} {path[:200]}. The API begins at /v1/.", code="unknown_url")

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self._lifespan() as self._served:
                scope.get("state", {}).update(self._served.state)
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except GatewayError as error:
            await send({"type": "lifespan.startup.failed", "message": error.message})
            return
        await send({"type": "lifespan.shutdown.complete"})


async def _body(headers: dict[bytes, bytes], unproven: Refusal, receive: Receive) -> tuple[bytes, GatewayError | None]:
    """The request's body, at most `MAX_REQUEST_BYTES`, and `UNPROVEN_BYTES` without a key that is known; what comes
    beyond is read and thrown away. A client that waits for our word before it sends too much is not given it."""
    doubt = unproven(headers)
    most = MAX_REQUEST_BYTES if doubt is None else UNPROVEN_BYTES
    refusal = doubt or too_large()
    if b"expect" in headers and int(headers.get(b"content-length", b"0")) > most:
        return b"", refusal
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"", None
        part = message.get("body", b"")
        size += len(part)
        if size <= most:
            parts.append(part)
        else:
            parts.clear()
            if size > 4 * MAX_REQUEST_BYTES:
                return b"", refusal
        if not message.get("more_body"):
            return b"".join(parts), refusal if size > most else None


def _given_twice(headers: Sequence[tuple[bytes, bytes]]) -> GatewayError | None:
    """Of two keys, or two hosts, a proxy before us may have checked the one and we would take the other."""
    names = [name for name, _ in headers if name in SINGLE]
    for name in names:
        if names.count(name) > 1:
            return BadRequest(f"The header field {name.decode()!r} is given twice.", code="invalid_http")
    return None


async def _gone(receive: Receive, work: asyncio.Future[None]) -> None:
    """Cancel the work when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    work.cancel()


def _named(send: Send) -> Send:
    """Every reply has an id to ask about: the pipeline's, or one made here."""

    async def forward(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            if not any(name == b"x-request-id" for name, _ in headers):
                headers.append((b"x-request-id", b"req_" + os.urandom(12).hex().encode()))
            message = {**message, "headers": headers}
        await send(message)

    return forward


async def _refuse(error: GatewayError, send: Send) -> None:
    headers = [*refusal_headers(error), (b"content-type", JSON)]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": error_body(error)})
