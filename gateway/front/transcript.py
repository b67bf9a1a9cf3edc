"""What went out to a client, remembered as it goes: for replies that are kept, and for content that is captured."""

from __future__ import annotations

from gateway.front.exchange import Exchange
from gateway.http.base import Reply
from gateway.wire.body import JSON

MOST_BYTES = 1024 * 1024
"""Of a body that is remembered; a larger one is forgotten, and passes as it would without this."""


class Transcript:
    """An `Exchange` that passes everything on to another. Costs a list entry for each piece of a reply."""

    __slots__ = ("_exchange", "_pieces", "_size", "body", "headers", "refusal", "started", "status", "stream")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._pieces: list[bytes] = []
        self._size = 0
        self.headers = exchange.headers
        self.body = exchange.body
        self.refusal = exchange.refusal
        self.started = exchange.started
        self.status = 0
        """Of the reply; 0 until it begins."""
        self.stream = False

    @property
    def said(self) -> bytes | None:
        """The reply's body, or its events, so far; None where there are more than `MOST_BYTES`."""
        return b"".join(self._pieces) if self._size <= MOST_BYTES else None

    def reply(self, status: int, fields: bytes, body: bytes, kind: bytes = JSON) -> None:
        self.status = status
        self._remember(body)
        self._exchange.reply(status, fields, body, kind)

    def begin(self, fields: bytes, events: bytes) -> None:
        self.status, self.stream = 200, True
        self._remember(events)
        self._exchange.begin(fields, events)

    def write(self, events: bytes) -> None:
        self._remember(events)
        self._exchange.write(events)

    def end(self, events: bytes) -> None:
        self._remember(events)
        self._exchange.end(events)

    def flow(self, upstream: Reply) -> None:
        self._exchange.flow(upstream)

    def _remember(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= MOST_BYTES:
            self._pieces.append(piece)
        else:
            self._pieces.clear()
