"""Server-sent events as OpenAI frames them (WHATWG HTML, section 9.2, the subset model servers use).

An event is cut by the network at any byte, inside a UTF-8 character too, so bytes are only ever split at event
boundaries and decoded whole.
"""

from __future__ import annotations

from gateway.errors import UpstreamFailed

DONE = b"data: [DONE]\n\n"
MAX_EVENT_BYTES = 16 * 1024 * 1024


class EventSplitter:
    """Feeds on raw body bytes, gives back whole events.

    `feed` returns the events completed by these bytes, each without its blank line; `rest` holds the beginning of the
    next one. LF, CRLF and CR line ends are understood. An event longer than `limit` bytes raises `UpstreamFailed`:
    an upstream that never ends its event must not fill our memory.
    """

    __slots__ = ("_cr", "limit", "rest")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self.rest = b""
        self.limit = limit
        self._cr = False
        """The last byte was a CR: a LF that comes first now belongs to it."""

    def feed(self, data: bytes) -> list[bytes]:
        if b"\r" in data or self._cr:
            data = self._normalise(data)
        if self.rest:
            data = self.rest + data
        events = data.split(b"\n\n")
        self.rest = events.pop()
        if len(self.rest) > self.limit:
            raise UpstreamFailed("The upstream sent an event that does not end.", code="upstream_garbage")
        return [event for event in events if event]

    @property
    def torn(self) -> bool:
        """Whether a stream that ends here ends inside an event. `[DONE]` needs no blank line: nothing follows it."""
        rest = self.rest.strip()
        return bool(rest) and event_data(rest) != b"[DONE]"

    def _normalise(self, data: bytes) -> bytes:
        """CR and CRLF to LF, also where a CRLF is cut in two: nothing waits for a LF that may never come."""
        belongs = self._cr and data.startswith(b"\n")
        self._cr = data.endswith(b"\r") if data else self._cr
        data = data[1:] if belongs else data
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def event_data(event: bytes) -> bytes | None:
    """The `data` of one event: its data lines joined by LF; None for a comment or an event without data."""
    if event.startswith(b"data: ") and b"\n" not in event:
        return event[6:]
    lines = []
    for line in event.split(b"\n"):
        if line.startswith(b"data:"):
            value = line[5:]
            lines.append(value[1:] if value.startswith(b" ") else value)
    return b"\n".join(lines) if lines else None


def frame(data: bytes, event: bytes | None = None) -> bytes:
    """One event on the wire; `data` must hold no line break (JSON never does)."""
    if event is None:
        return b"data: %b\n\n" % data
    return b"event: %b\ndata: %b\n\n" % (event, data)
