"""The port between the pipeline and whatever makes tokens.

Every provider speaks OpenAI's wire at this seam: it is asked with a request body in OpenAI's shape and answers with
OpenAI's bytes, a whole JSON body or server-sent events. So the fast path passes bytes through untouched, and one set of
translators serves every provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import msgspec

from gateway.http.base import Headers, Reply, Sink, Timeouts
from gateway.types import Json, Operation


class Ask(msgspec.Struct, frozen=True):
    """One call to a provider.

    `body` is in OpenAI's shape for `operation`; the provider owns it from here on and sets `model`. With `stream` the
    body says `stream: true` and asks for usage; the reply is then server-sent events. `trace` holds header fields to
    pass on, each ended by CRLF.
    """

    operation: Operation
    body: Json
    stream: bool = False
    timeouts: Timeouts = Timeouts()
    trace: bytes = b""
    adapter: str | None = None
    """Fine-tuned weights to answer with, of those the upstream lists."""


class Provider(Protocol):
    """Talks to one upstream. Fails only with `gateway.errors`; cancelling `send`, or the reply's `read` or `pump`,
    stops the work at the upstream at once."""

    operations: frozenset[Operation]
    refuses: frozenset[str]
    """Top-level request fields this upstream cannot honour: refused, or dropped where its settings say so."""

    async def send(self, ask: Ask) -> Reply:
        """The reply, always of status 200: every other outcome is raised."""
        ...

    async def check(self) -> None:
        """Raise a `GatewayError` that names the next step if this upstream cannot serve now. Costs no tokens."""
        ...

    async def close(self) -> None: ...


class WholeReply:
    """A `Reply` whose body is already here."""

    def __init__(self, body: bytes) -> None:
        self.status = 200
        self.headers: Headers = []
        self.complete = True
        self._body = body

    async def read(self) -> bytes:
        return self._body

    async def pump(self, sink: Sink) -> None:
        sink(self._body)

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def close(self) -> None: ...


class EventReply:
    """A `Reply` fed by an async generator of event bytes; closing it, or cancelling the pump, closes the generator."""

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        self.status = 200
        self.headers: Headers = []
        self.complete = False
        self._events = events
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._closed = False

    async def read(self) -> bytes:
        parts: list[bytes] = []
        await self.pump(parts.append)
        return b"".join(parts)

    async def pump(self, sink: Sink) -> None:
        async with aclosing(self._events):
            async for event in self._events:
                sink(event)
                await self._flowing.wait()
                if self._closed:
                    return
        self.complete = True

    def pause(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def close(self) -> None:
        self._closed = True
        self._flowing.set()
