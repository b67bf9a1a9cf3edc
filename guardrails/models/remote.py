"""The models of a scoring server, which one box runs for many gateways. See `guardrails.server`.

Where it is down nobody waits for it: after some failures calls fail at once, until one that is let through is answered.
A slow answer alone is no failure, since long texts could then switch the guards of others off: a server is down that
cannot be reached, says what no scoring server says, or was silent and does not answer for its health either.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from guardrails.errors import NotRun, Overloaded
from guardrails.guard import Window
from guardrails.models.circuit import Circuit
from guardrails.models.local import EMBEDS, SHORTEST_PIN, shipped
from guardrails.models.manifest import identity
from guardrails.models.wire import (
    MOST_ANSWERED,
    MOST_BYTES,
    MOST_ROWS,
    Embedded,
    Garbage,
    Refused,
    Scored,
    readable,
    vectors,
    windows,
)

if TYPE_CHECKING:
    import aiohttp
    import numpy as np
    from numpy.typing import NDArray

TIMEOUT = 5.0
CONNECT = 1.0
"""Seconds for a connection, and from which on who goes unanswered has the server asked for its health."""
HEALTH = 2.0
CONNECTIONS = 64
KEEP_ALIVE = 30.0
"""Seconds; less than the server's, so that none is used that is just being closed."""
IN_FLIGHT = 512
FAILURES = 5
REST = 5.0
"""Seconds in which a server that failed so often in a row is not asked."""
HEAD = 1000
"""Bytes of a request that are not its rows, at most."""

Told = TypeVar("Told")


class Down(Exception):
    """The server is not there, or is no scoring server. The message goes on from *the guard server*."""


class RemoteModels:
    """Implements `guardrails.guard.Models`. Belongs to the event loop that first asks it; `close` it there.

    `url` is where the server listens, `token` its bearer. A shipped model has to be the one that is shipped here, and
    `name@digest` the one of that digest: an answer of any other is refused. `timeout` are the seconds an answer may
    take, `most` the requests that may be on their way at once. `embeds` is the model whose embeddings are given."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT,
        most: int = IN_FLIGHT,
        embeds: str = EMBEDS,
        circuit: Circuit | None = None,
    ) -> None:
        import aiohttp  # noqa: F401 - which takes its time: not at the first call, and not without a server

        self._url, self._token, self._timeout = url.rstrip("/"), token, timeout
        self._most, self._embeds = most, embeds
        self._circuit = circuit or Circuit(FAILURES, REST)
        self._session: aiohttp.ClientSession | None = None
        self._pins: dict[str, str] = {}
        self._in_flight = 0
        self._closed = False
        self._why = ""
        """What the server was last found to be."""
        self._examining: asyncio.Task[None] | None = None

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        sent = [msgspec.json.encode([readable(text) for text in row]) for row in rows]
        found: list[tuple[Window, ...]] = []
        for first, end in parts([len(row) for row in sent]):
            body = self._body(model, rows=[msgspec.Raw(row) for row in sent[first:end]])
            scored = await self._asked("/score", body, partial(_scored, rows=rows[first:end]))
            self._check(model, scored.digest)
            found += scored.windows
        return found

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.zeros((0, 0), np.float32)
        sent = [msgspec.json.encode(readable(text)) for text in texts]
        found: list[list[float]] = []
        for first, end in parts([len(text) for text in sent]):
            body = self._body(self._embeds, texts=[msgspec.Raw(text) for text in sent[first:end]])
            embedded = await self._asked("/embed", body, partial(_embedded, count=end - first))
            self._check(self._embeds, embedded.digest)
            found += embedded.vectors
        return np.array(found, np.float32)

    @property
    def fault(self) -> str | None:
        """A sentence where the server is not asked now; None where it is."""
        return f"The guard server {self._why}; guards that ask its models do not run." if self._circuit.open else None

    async def close(self) -> None:
        self._closed = True
        if self._examining is not None:
            self._examining.cancel()
        if self._session is not None:
            await self._session.close()

    def _body(self, model: str, **asked: list[msgspec.Raw]) -> bytes:
        return msgspec.json.encode({"model": model, "digest": self._pin(model), **asked})

    async def _asked(self, path: str, body: bytes, read: Callable[[bytes], Told]) -> Told:
        """What was answered. Raises `NotRun`, whatever happens to the server."""
        if self._closed:
            raise NotRun("the models were closed")
        if self._in_flight >= self._most:
            raise Overloaded(f"{self._in_flight} requests wait for the guard server already")
        token = self._circuit.enter()
        if token is None:
            raise NotRun(f"the guard server {self._why}; it is left alone for some seconds")
        self._in_flight += 1
        began = time.monotonic()
        try:
            told = read(await self._post(path, body))
        except Down as error:
            self._why = str(error)
            self._circuit.failed()
            raise NotRun(f"the guard server {error}") from error
        except NotRun:
            self._circuit.answered()
            raise
        except TimeoutError as error:
            self._examine()
            raise NotRun(f"the guard server took longer than {self._timeout:g} s", "slow") from error
        except asyncio.CancelledError:
            if time.monotonic() - began >= CONNECT:
                self._examine()
            raise
        finally:
            self._in_flight -= 1
            self._circuit.leave(token)
        self._circuit.answered()
        return told

    async def _post(self, path: str, body: bytes) -> bytes:
        """The body of an answer. Raises `NotRun` where the server refuses, `TimeoutError` where it is silent, and
        `Down`."""
        import aiohttp

        if self._session is None:
            self._session = _session(self._token, self._timeout)
        try:
            async with self._session.post(f"{self._url}{path}", data=body, allow_redirects=False) as response:
                content = await _whole(response)
        except aiohttp.ConnectionTimeoutError as error:
            raise Down("cannot be reached") from error
        except TimeoutError:
            raise
        except aiohttp.ClientConnectorError as error:
            raise Down("cannot be reached") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Down("broke off, or speaks no HTTP") from error
        if response.status == 200:
            return content
        raise _refusal(response.status, content)

    def _examine(self) -> None:
        """Have it asked for its health, unless that is being done."""
        if self._examining is None or self._examining.done():
            self._examining = asyncio.create_task(self._healthy())

    async def _healthy(self) -> None:
        """On a connection of its own: the others may all be waiting."""
        import aiohttp

        try:
            async with _session(None, min(HEALTH, self._timeout)) as session, session.get(f"{self._url}/health"):
                self._circuit.answered()
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            self._why = "does not answer"
            self._circuit.trip()

    def _pin(self, model: str) -> str:
        """The digest it has to have, or the beginning of it. Raises `NotRun` for a model that there is not."""
        name, _, pin = model.partition("@")
        if pin:
            if len(pin) < SHORTEST_PIN:
                raise NotRun(f"the digest of {model} is too short: give {SHORTEST_PIN} characters or more", "missing")
            return pin
        if model not in self._pins:
            if Path(name).name != name or name.startswith("."):
                raise NotRun(f"there is no model {name}", "missing")
            self._pins[model] = identity(shipped() / name)
        return self._pins[model]

    def _check(self, model: str, digest: str) -> None:
        pin = self._pin(model)
        if not digest.startswith(pin):
            raise NotRun(f"the guard server has another model {model}: {digest[:12]}, and not {pin[:12]}", "missing")


def parts(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Rows of these many bytes in requests: the first of each, and the end. Raises `NotRun` for one that no request has
    room for."""
    first = held = 0
    for at, size in enumerate(sizes):
        if size > MOST_BYTES - HEAD:
            raise NotRun(
                f"a text is too long for the guard server, which takes {MOST_BYTES} bytes at once", "unreadable"
            )
        held += size + 1
        if held > MOST_BYTES - HEAD or at - first == MOST_ROWS:
            yield first, at
            first, held = at, size + 1
    if first < len(sizes):
        yield first, len(sizes)


def _session(token: str | None, timeout: float) -> aiohttp.ClientSession:
    import aiohttp

    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT),
    )


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    found = bytearray()
    async for part in response.content.iter_any():
        found += part
        if len(found) > MOST_ANSWERED:
            raise Down("answers without end")
    return bytes(found)


def _refusal(status: int, content: bytes) -> NotRun | Down:
    try:
        fault = msgspec.json.decode(content, type=Refused).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Down(f"answered with {status}, and not as a guard server does")
    said = "".join(sign for sign in fault.message[:300] if sign.isprintable())
    told = f"the guard server: {said}"
    if status == 429:
        return Overloaded(told)
    return NotRun(told, "failed" if fault.cause in ("idle", "ended") else fault.cause)


@dataclass(frozen=True, slots=True)
class _Windows:
    digest: str
    windows: list[tuple[Window, ...]]


def _scored(body: bytes, rows: Sequence[tuple[str, ...]]) -> _Windows:
    try:
        told = msgspec.json.decode(body, type=Scored)
        return _Windows(told.digest, windows(told, rows))
    except (msgspec.DecodeError, UnicodeDecodeError, Garbage) as error:
        raise Down("answered with something that is no answer") from error


def _embedded(body: bytes, count: int) -> Embedded:
    try:
        told = msgspec.json.decode(body, type=Embedded)
        return Embedded(told.digest, vectors(told, count))
    except (msgspec.DecodeError, UnicodeDecodeError, Garbage) as error:
        raise Down("answered with something that is no answer") from error
