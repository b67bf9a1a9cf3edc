"""The interface between an upstream and the network: send one request, get one reply, read it or pump it.

Two implementations: `h1` (own, on httptools' parser: the fast path) and `proxied` (aiohttp: proxies, HTTP/1.0 and odd
servers). Both raise only `UpstreamFailed` and `UpstreamTimeout`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol
from urllib.parse import urlsplit

Headers = list[tuple[bytes, bytes]]
"""Header fields in order; names in lower case."""

Sink = Callable[[bytes], None]
"""Takes body bytes as they arrive; must not block. What it raises ends the reply and reaches the caller of `pump`."""

MAX_BODY_BYTES = 64 * 1024 * 1024

TRY_EACH = "`sluice doctor` tries each upstream."
"""The next step where one cannot be reached."""

RACE_WINDOW = 0.25
"""Seconds after the write in which a kept-alive connection may end without a reply and the request be sent again."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits of one request, in seconds, each on its own clock.

    `connect`: name look-up, TCP and TLS. `first_byte`: from the request sent to the first byte of the reply's body.
    `idle`: between two pieces of the body. `total`: from the request sent to the last byte.
    """

    connect: float = 5.0
    first_byte: float = 600.0
    idle: float = 120.0
    total: float = 600.0


@dataclass(frozen=True)
class Target:
    """Where a request goes and what every request there carries: built once, used for each call.

    `url` is absolute (`http` or `https`, no credentials, no fragment); `headers` must not hold host, content-length or
    transfer-encoding, which the client writes.
    """

    url: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    method: str = "POST"

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http(s) URL: {self.url!r}")
        if parts.username or parts.password:
            raise ValueError("credentials do not belong in a URL")
        if any(b"\r" in v or b"\n" in v or b"\0" in v for pair in self.headers for v in pair):
            raise ValueError("a header may not hold a line break")

    @cached_property
    def origin(self) -> Origin:
        parts = urlsplit(self.url)
        tls = parts.scheme == "https"
        return Origin(parts.hostname or "", parts.port or (443 if tls else 80), tls)

    @cached_property
    def head(self) -> bytes:
        """Request line and header fields up to and including `content-length: `."""
        parts = urlsplit(self.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = parts.netloc.rsplit("@", 1)[-1]
        fields = b"".join(b"%b: %b\r\n" % pair for pair in self.headers)
        return b"%b %b HTTP/1.1\r\nhost: %b\r\n%bcontent-length: " % (
            self.method.encode("ascii"),
            path.encode("ascii"),
            host.encode("idna" if not host.isascii() else "ascii"),
            fields,
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a connection belongs to."""

    host: str
    port: int
    tls: bool


class Reply(Protocol):
    """The head of a reply that has arrived, and its body still arriving. Read it once, or close it."""

    status: int
    headers: Headers
    complete: bool
    """The last byte is here; for a reply that cannot tell in advance, False until its end."""

    async def read(self) -> bytes:
        """The whole body, at most `MAX_BODY_BYTES`; more raises `UpstreamFailed`."""
        ...

    async def pump(self, sink: Sink) -> None:
        """Give the body to `sink` piece by piece; returns after the last byte. A body that ends too early raises."""
        ...

    def pause(self) -> None:
        """Stop reading from the network until `resume`: the one who takes the bytes is too slow."""
        ...

    def resume(self) -> None: ...

    def close(self) -> None:
        """Give up on what has not arrived: the upstream sees its connection closed. Harmless after the end."""
        ...


class HttpClient(Protocol):
    async def send(self, target: Target, body: bytes, timeouts: Timeouts, extra: bytes = b"") -> Reply:
        """Send and wait for the reply's head. `extra` holds further header fields, each ended by CRLF.

        Cancelling this call, or the `read` or `pump` after it, closes the connection at once.
        """
        ...

    async def close(self) -> None: ...


def header(headers: Headers, name: bytes) -> bytes | None:
    """The first field of that (lower-case) name."""
    for key, value in headers:
        if key == name:
            return value
    return None
