"""An upstream that misbehaves to order: the model picks the fault, and each attempt is noted with its time.

The `user` of a request names the scenario it belongs to, so that many can run at once.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

WORDS = ("The ", "quick ", "brown ", "fox ", "jumps.")
TEXT = "".join(WORDS)
INPUT_TOKENS, OUTPUT_TOKENS = 11, 7
USAGE = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": 18}
RETRY_AFTER = 1


@dataclass(frozen=True)
class Attempt:
    """The upstream was asked."""

    model: str
    at: float


class Answering:
    """One request, and the ways to answer it."""

    def __init__(
        self, body: dict[str, Any], number: int, healed: bool, slow: float, writer: asyncio.StreamWriter
    ) -> None:
        self.stream = bool(body.get("stream"))
        self.number = number
        """Which attempt this is of this scenario at this model, from 1."""
        self.healed = healed
        self.slow = slow
        self._writer = writer

    async def refuse(self, status: int, code: str | None, message: str, *fields: str) -> None:
        body = json.dumps({"error": {"message": message, "type": "x", "param": None, "code": code}}).encode()
        await self._whole(status, body, *fields)

    async def whole(self) -> None:
        """A good answer."""
        if self.stream:
            await self.begin()
            await self.events(*chunks(), finish(), "[DONE]")
            await self.end()
        else:
            await self._whole(200, completion())

    async def begin(self) -> None:
        await self.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    async def events(self, *payloads: str) -> None:
        for payload in payloads:
            data = f"data: {payload}\n\n".encode()
            await self.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        await self.write(b"0\r\n\r\n")

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """The peer sees a TCP reset rather than an end."""
        held: socket.socket = self._writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def silence(self) -> None:
        """Until the other side gives up."""
        await asyncio.sleep(self.slow)

    async def _whole(self, status: int, body: bytes, *fields: str) -> None:
        lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(body)}", *fields]
        await self.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def chunk(delta: dict[str, str], reason: str | None = None, **rest: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return json.dumps(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **rest}
    )


def chunks(count: int = len(WORDS)) -> list[str]:
    """The role alone, then words."""
    return [chunk({"role": "assistant", "content": ""}), *(chunk({"content": word}) for word in WORDS[:count])]


def finish() -> str:
    return chunk({}, "stop", usage=USAGE)


def completion() -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}
    return json.dumps(whole).encode()


# The faults ----------------------------------------------------------------------------------------------------------


async def ok(to: Answering) -> None:
    await to.whole()


async def busy_once(to: Answering) -> None:
    if to.number == 1:
        await to.refuse(429, "rate_limit_exceeded", "Slow down.", f"retry-after: {RETRY_AFTER}")
    else:
        await to.whole()


async def busy(to: Answering) -> None:
    await to.refuse(429, "rate_limit_exceeded", "Slow down.", "retry-after: 30")


async def broken_once(to: Answering) -> None:
    if to.number == 1:
        await to.refuse(500, None, "Oops.")
    else:
        await to.whole()


async def down(to: Answering) -> None:
    await to.refuse(503, None, "Down.")


async def reset(to: Answering) -> None:
    to.reset()


async def silent(to: Answering) -> None:
    await to.silence()


async def slow(to: Answering) -> None:
    """The head and the role come at once, the first token late."""
    if not to.stream:
        await to.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n")
        await to.silence()
        return
    await to.begin()
    await to.events(chunks()[0])
    await to.silence()
    await to.events(*chunks()[1:], finish(), "[DONE]")
    await to.end()


async def cut(to: Answering) -> None:
    await _half(to)
    to.reset()


async def stall(to: Answering) -> None:
    await _half(to)
    await to.silence()


async def garbage(to: Answering) -> None:
    """One chunk is torn, the rest is well."""
    if not to.stream:
        await to._whole(200, completion()[:-20])
        return
    await to.begin()
    first, *rest = chunks()
    await to.events(first, rest[0], rest[1][:-9], *rest[2:], finish(), "[DONE]")
    await to.end()


async def no_done(to: Answering) -> None:
    if not to.stream:  # a body that ends with its connection
        await to.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n" + completion())
        to._writer.close()
        return
    await to.begin()
    await to.events(*chunks(), finish())
    await to.end()


async def context(to: Answering) -> None:
    await to.refuse(400, "context_length_exceeded", "This model's maximum context length is 8192 tokens.")


async def filtered(to: Answering) -> None:
    await to.refuse(400, "content_filter", "The prompt was filtered by the content policy.")


async def no_prefill(to: Answering) -> None:
    await to.refuse(400, "invalid_request_error", "This model does not support assistant message prefill.")


async def flapping(to: Answering) -> None:
    await (ok if to.healed else down)(to)


async def _half(to: Answering) -> None:
    if to.stream:
        await to.begin()
        await to.events(*chunks(3))
    else:
        body = completion()
        await to.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
        await to.write(body[: len(body) // 2])
    await asyncio.sleep(0.05)  # a reset may overtake what was written


Fault = Callable[[Answering], Awaitable[None]]
FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        ok, busy_once, busy, broken_once, down, reset, silent, slow, cut, stall, garbage, no_done, context, filtered,
        no_prefill, flapping,
    )
}  # fmt: skip


class FaultyUpstream:
    """Listens on a port of its own. `slow` is how many seconds its silences last."""

    def __init__(self, slow: float = 20.0) -> None:
        self._slow = slow
        self.attempts: dict[str, list[Attempt]] = defaultdict(list)
        """By scenario."""
        self.healed: set[str] = set()
        """Scenarios in which `flapping` is well again."""
        self.url = ""
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[FaultyUpstream]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            yield self
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                body = json.loads(await reader.readexactly(length) or b"{}")
                await self._answer(body, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass  # the gateway has gone, or the experiment is over
        finally:
            writer.close()

    async def _answer(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        model, scenario = body.get("model", ""), body.get("user", "")
        attempts = self.attempts[scenario]
        attempts.append(Attempt(model, time.monotonic()))
        number = sum(attempt.model == model for attempt in attempts)
        await FAULTS[model](Answering(body, number, scenario in self.healed, self._slow, writer))
