"""Load by plain sockets: for each call, whether the client saw the end of its reply, and which call it was."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmarks.chaos.gateway import Gateway


@dataclass(frozen=True)
class Reply:
    """As far as it came. `whole`: its last byte is here."""

    status: int
    id: str | None
    body: bytes
    whole: bool
    seconds: float


async def ask(gateway: Gateway, body: dict[str, Any]) -> Reply:
    """One call on a connection of its own. Raises OSError where nothing listens."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        return await _exchange(reader, writer, request(gateway.key, body))
    finally:
        writer.close()


def request(key: str, body: dict[str, Any]) -> bytes:
    """A chat completion on the wire."""
    payload = json.dumps(body).encode()
    fields = f"authorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}"
    return f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{fields}\r\n\r\n".encode() + payload


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> Reply:
    started = time.monotonic()
    status, name, body = 0, None, bytearray()
    try:
        writer.write(sent)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        status = int(head[0].split()[1])
        fields = dict(line.split(": ", 1) for line in head[1:] if line)
        name = fields.get("x-request-id")
        if "content-length" in fields:
            body += await reader.readexactly(int(fields["content-length"]))
        else:
            while size := int(await reader.readline(), 16):
                body += await reader.readexactly(size)
                await reader.readline()
            await reader.readexactly(2)
    except (OSError, asyncio.IncompleteReadError, ValueError):
        return Reply(status, name, bytes(body), False, time.monotonic() - started)
    return Reply(status, name, bytes(body), True, time.monotonic() - started)


@dataclass
class Load:
    """So many clients in a closed loop, until told to stop; they connect again when the gateway is gone."""

    gateway: Gateway
    body: dict[str, Any]
    clients: int = 8
    pause: float = 0.0
    """Seconds each client waits between two calls."""
    key: str | None = None
    """The gateway's own, where none is named."""
    finished: list[str] = field(default_factory=list)
    """Calls that were answered, or refused for a reason of their own, and whose whole reply was seen."""
    refused: set[str] = field(default_factory=set)
    """Calls the gateway was not able to take (503)."""
    begun: set[str] = field(default_factory=set)
    """Calls whose reply broke off after its head."""
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    """Calls that broke before the head of a reply."""
    longest: float = 0.0
    """Seconds of the longest call that was answered."""
    unnamed: int = 0
    """Whole replies without an id."""

    def merged(self, other: Load) -> Load:
        """What both found."""
        return Load(
            self.gateway,
            self.body,
            finished=self.finished + other.finished,
            refused=self.refused | other.refused,
            begun=self.begun | other.begun,
            statuses=self.statuses + other.statuses,
            unanswered=self.unanswered + other.unanswered,
            longest=max(self.longest, other.longest),
            unnamed=self.unnamed + other.unnamed,
        )

    async def __aenter__(self) -> Load:
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self.clients)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _client(self) -> None:
        sent = request(self.key or self.gateway.key, self.body)
        while not self._stop.is_set():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.gateway.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            while not self._stop.is_set():
                reply = await _exchange(reader, writer, sent)
                self._note(reply)
                if not reply.whole:
                    break
                if self.pause:
                    await asyncio.sleep(self.pause)
            writer.close()

    def _note(self, reply: Reply) -> None:
        if reply.whole:
            self.statuses[reply.status] += 1
            self.longest = max(self.longest, reply.seconds)
            if reply.id is None:
                self.unnamed += 1
            elif reply.status == 503:
                self.refused.add(reply.id)
            else:
                self.finished.append(reply.id)
        elif reply.id is not None:
            self.begun.add(reply.id)
        else:
            self.unanswered += 1


@dataclass(frozen=True)
class Kept:
    """Records against calls."""

    finished: int
    lost: int
    doubled: int
    unexpected: int
    """More records than calls that were sent."""

    @property
    def exact(self) -> bool:
        return self.lost == self.doubled == self.unexpected == 0


def compare(load: Load, records: Counter[str], before: int = 0) -> Kept:
    """`before` are records of calls that were not of this load."""
    lost = len(set(load.finished) - records.keys())
    doubled = sum(count - 1 for count in records.values())
    possible = len(load.finished) + len(load.begun) + load.unanswered + before
    return Kept(len(load.finished), lost, doubled, max(0, len(records) - possible))
