"""Models, and connections to the servers of others beside them: one pool for all guards of a process."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from guardrails.errors import NotRun, Overloaded
from guardrails.guard import Window
from guardrails.models.cached import CachedModels
from guardrails.models.circuit import Circuit
from guardrails.models.reach import OutOfReach, connecting
from guardrails.outside import Request

if TYPE_CHECKING:
    import aiohttp
    import numpy as np
    from numpy.typing import NDArray

CONNECT = 2.0
"""Seconds for a connection; for the whole of an answer it is the guard's budget that counts."""
LONGEST = 600.0
"""Seconds for an answer, whoever waits for it: what a guard's budget can be."""
SILENT = 0.9
"""How much of its budget a guard has to have waited for an answer that did not come. Who gives up before has left, or
needs none any more: that says nothing of the server."""
CONNECTIONS = 64
IN_FLIGHT = 256
FAILURES = 5
REST = 5.0
"""Seconds in which a server that could not be asked so often in a row is left alone."""
SERVERS = 64
"""Servers whose failures are remembered: those that were asked last."""


class Unanswered(Exception):
    """The message is a part of a sentence that begins with *the server*."""


class ConnectedModels:
    """Implements `guardrails.guard.Models` by another one, and `guardrails.outside.Outside`. Belongs to the event loop
    that first asks a server; `close` it there. Redirects are not followed, and proxies and cookies not used: what is
    asked is what the policy says."""

    def __init__(self, models: CachedModels, most: int = IN_FLIGHT) -> None:
        self._models, self._most = models, most
        self._session: aiohttp.ClientSession | None = None
        self._circuits: OrderedDict[str, Circuit] = OrderedDict()
        self._in_flight = 0
        self._closed = False
        self.gauges = models.gauges

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        return await self._models.score(model, rows)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return await self._models.embed(texts)

    async def post(self, request: Request) -> bytes:
        if self._closed:
            raise NotRun("the connections were closed")
        if self._in_flight >= self._most:
            raise Overloaded(f"{self._in_flight} requests wait for servers already")
        circuit = self._circuit(urlsplit(request.url).netloc)
        token = circuit.enter()
        if token is None:
            raise NotRun("the server could not be asked several times in a row; it is left alone for some seconds")
        self._in_flight += 1
        began = time.monotonic()
        try:
            status, content = await self._posted(request)
        except Unanswered as error:
            circuit.failed()
            raise NotRun(f"the server {error}") from error
        except asyncio.CancelledError:
            if time.monotonic() - began >= SILENT * request.budget:
                circuit.failed()
            raise
        finally:
            self._in_flight -= 1
            circuit.leave(token)
        circuit.answered()
        if not 200 <= status < 300:
            raise NotRun(f"the server answered with {status}")
        return content

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _posted(self, request: Request) -> tuple[int, bytes]:
        import aiohttp

        if self._session is None:
            self._session = _session()
        try:
            async with self._session.post(
                request.url, data=request.body, headers=request.headers, allow_redirects=False
            ) as response:
                return response.status, await _whole(response, request.most)
        except aiohttp.ClientConnectorError as error:
            beyond = isinstance(error.os_error, OutOfReach)
            raise Unanswered("is at an address that no guard asks" if beyond else "cannot be reached") from error
        except aiohttp.ConnectionTimeoutError as error:
            raise Unanswered("cannot be reached") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unanswered("broke off, or speaks no HTTP") from error

    def _circuit(self, server: str) -> Circuit:
        found = self._circuits.setdefault(server, Circuit(FAILURES, REST))
        self._circuits.move_to_end(server)
        if len(self._circuits) > SERVERS:
            self._circuits.popitem(last=False)
        return found


def _session() -> aiohttp.ClientSession:
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, socket_factory=connecting),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"content-type": "application/json", "accept": "application/json", "accept-encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=LONGEST, sock_connect=CONNECT),
    )


async def _whole(response: aiohttp.ClientResponse, most: int) -> bytes:
    found = bytearray()
    async for part in response.content.iter_any():
        found += part
        if len(found) > most:
            raise NotRun(f"the server says more than {most} bytes")
    return bytes(found)
