"""uvicorn's own protocol, for every request that is not hot, with what it lacks: a head has a size, a request has a
time to arrive in, and what is not HTTP is refused in OpenAI's shape."""

from __future__ import annotations

import asyncio
import socket
import struct

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.errors import BadRequest, error_body

MAX_HEAD_BYTES = 64 * 1024
REQUEST_TIME = 60.0
"""Seconds a client may take to send one request."""
READ_TIME = 120.0
"""Seconds a client may leave unread what was written to it, when that is more than we keep."""


def cut_off(transport: asyncio.Transport) -> None:
    """Reset a connection whose client does not read: closed, it would wait for the client, and so would the kernel."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class ColdProtocol(HttpToolsProtocol):
    """One connection of a client, handed over by the hot front."""

    _clock: asyncio.TimerHandle | None = None
    """Runs while a request arrives."""
    _stalled: asyncio.TimerHandle | None = None
    """Runs while the client does not read."""
    _head_bytes: int | None = None
    """What has come of a head that is not whole; None between heads."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response(f"The request's head is larger than {MAX_HEAD_BYTES // 1024} KiB.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._read()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(READ_TIME, cut_off, self.transport)

    def resume_writing(self) -> None:
        self._read()
        super().resume_writing()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._clock = self.loop.call_later(REQUEST_TIME, self.transport.close)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arrived()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        body = error_body(BadRequest(msg, code="invalid_http"))
        head = b"content-type: application/json\r\ncontent-length: %d\r\nx-should-retry: false\r\n" % len(body)
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + head + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _arrived(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _read(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
