"""One request and its reply, whatever carries them: what the pipeline sees of HTTP."""

from __future__ import annotations

from typing import Protocol

from gateway.errors import GatewayError, TooLarge
from gateway.http.base import Headers, Reply
from gateway.types import Json
from gateway.wire.body import MAX_REQUEST_BYTES, check_media, parse


class Exchange(Protocol):
    """Answered once: `reply`, or `begin`, `write`* and `end`. Nothing blocks; what a client who left is sent is lost.

    When the client leaves first, the task that works on the exchange is cancelled.
    """

    body: bytes
    """The whole request body."""
    refusal: GatewayError | None
    """Why the body was not taken in."""
    started: int
    """`time.perf_counter_ns()` when the request had arrived."""

    def header(self, name: bytes) -> bytes | None:
        """The request's (last) header field of that lower-case name."""
        ...

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole reply, JSON unless `headers` says otherwise. The length is written by the exchange."""
        ...

    def begin(self, headers: Headers) -> None:
        """The head of a reply of server-sent events, status 200."""
        ...

    def write(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def flow(self, upstream: Reply) -> None:
        """From here on pause `upstream` while the client is slower than it."""
        ...


def read_json(exchange: Exchange) -> Json:
    """The body of a request, checked for its size and media type and parsed."""
    if exchange.refusal is not None:
        raise exchange.refusal
    check_media(exchange.header(b"content-type"), exchange.header(b"content-encoding"))
    return parse(exchange.body)


def too_large() -> TooLarge:
    limit = MAX_REQUEST_BYTES // (1024 * 1024)
    return TooLarge(f"The request body is larger than {limit} MiB. Send less, or refer to files by URL.")
