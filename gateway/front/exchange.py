"""One request and its reply, whatever carries them: what the pipeline sees of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.errors import GatewayError, TooLarge
from gateway.http.base import Reply
from gateway.types import Json
from gateway.wire.body import JSON, MAX_REQUEST_BYTES, check_media, parse

STREAM_FIELDS = (
    b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n"
)
"""What every reply of server-sent events carries; the last field keeps proxies from collecting events."""
UNPROVEN_BYTES = 256 * 1024
"""Of a body, taken in from anybody; more is taken in only with a key that is known."""

Refusal = Callable[[Mapping[bytes, bytes]], GatewayError | None]
"""What a request with these header fields is refused with; None where its key is known."""


class Exchange(Protocol):
    """Answered once: `reply`, or `begin`, `write`* and `end`. Nothing blocks; what a client who left is sent is lost.

    When the client leaves first, the task that works on the exchange is cancelled. The `fields` of a reply are header
    lines, each ended by CRLF.
    """

    headers: dict[bytes, bytes]
    """The request's header fields by lower-case name; of a name given twice, the last."""
    body: bytes
    """The whole request body."""
    refusal: GatewayError | None
    """Why the body was not taken in."""
    started: int
    """`time.perf_counter_ns()` when the request had arrived."""

    def reply(self, status: int, fields: bytes, body: bytes, kind: bytes = JSON) -> None:
        """A whole reply of media type `kind`. The length is written by the exchange."""
        ...

    def begin(self, fields: bytes, events: bytes) -> None:
        """The head of a reply of server-sent events, status 200, and the first of them."""
        ...

    def write(self, events: bytes) -> None: ...

    def end(self, events: bytes) -> None:
        """The last of the events, perhaps none (b""), and the end of the reply."""
        ...

    def flow(self, upstream: Reply) -> None:
        """From here on pause `upstream` while the client is slower than it."""
        ...


def read_json(exchange: Exchange) -> Json:
    """The body of a request, checked for its size and media type and parsed."""
    if exchange.refusal is not None:
        raise exchange.refusal
    headers = exchange.headers
    check_media(headers.get(b"content-type"), headers.get(b"content-encoding"))
    return parse(exchange.body)


def too_large() -> TooLarge:
    limit = MAX_REQUEST_BYTES // (1024 * 1024)
    return TooLarge(f"The request body is larger than {limit} MiB. Send less, or refer to files by URL.")
