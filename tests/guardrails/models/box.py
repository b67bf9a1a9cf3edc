"""Scoring servers for tests: a real one in a thread, and ones that do what no scoring server should."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import httpx
import numpy as np
import uvicorn
from numpy.typing import NDArray

from guardrails.errors import NotRun
from guardrails.guard import Window
from guardrails.models.batcher import Load
from guardrails.models.local import LocalModels
from guardrails.server.app import Box
from guardrails.server.listening import configured, listen
from tests.waiting import until, wait_until

DIGEST = "d" * 64


class Ruled:
    """Serves one model, `m`: it answers once `gate` is open, and remembers what it was asked."""

    embeds = "m"

    def __init__(self, fails: NotRun | MemoryError | None = None) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[tuple[str, ...]] = []
        self.begun = self.left = 0
        self.fails = fails

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        self.begun += 1
        try:
            await until(self.gate.is_set)
        except asyncio.CancelledError:
            self.left += 1
            raise
        if self.fails is not None:
            raise self.fails
        self.asked += rows
        return [(Window(0, len(row[-1]), (len(row[-1]) % 10 / 10,)),) for row in rows]

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += [(text,) for text in texts]
        return np.array([[1.0, 0.0] for _ in texts], np.float32)

    def digest(self, model: str) -> str:
        return DIGEST

    @property
    def loads(self) -> Mapping[tuple[str, str], Load]:
        return {("m", "scores"): Load(3, {1: 2, 40: 1}, 0.5)}


@contextmanager
def starting(box: Box) -> Iterator[str]:
    """The URL of a server, for the length of the context."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(configured(box.application()))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


@contextmanager
def serving(box: Box) -> Iterator[str]:
    """The URL of a server whose models are loaded."""
    with starting(box) as url:
        wait_until(lambda: httpx.get(f"{url}/ready").status_code == 200)
        yield url


@contextmanager
def of_own(root: Path, *names: str, embeds: str, waiting: int = 4096) -> Iterator[str]:
    """The URL of a server of the models in a folder."""
    with closing(LocalModels(root, embeds=embeds, waiting=waiting)) as served, serving(Box(served, names)) as url:
        yield url


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def odd(handle: Handler) -> AsyncIterator[str]:
    """The URL of a server that treats its connections like this, for the length of the context."""

    async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            return  # the client has left
        finally:
            writer.close()

    server = await asyncio.start_server(handled, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def answers(status: int, body: bytes) -> Handler:
    """Reads a request, and says this whatever was asked."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await request(reader):
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
            await writer.drain()

    return handle


async def request(reader: asyncio.StreamReader) -> bytes:
    """The body of a request; empty where the client has closed, or sent none."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    return await reader.readexactly(int(length.partition(b":")[2]))


def nobody() -> str:
    """A URL where nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"
