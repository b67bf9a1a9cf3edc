"""A client that keeps what it is answered: an `Exchange` without a connection."""

from __future__ import annotations

import time

from gateway.errors import GatewayError
from gateway.http.base import Reply
from gateway.wire.body import JSON


class Taken:
    """`sent` is the body, or all the events, so far; `fields` the header lines of the reply."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
        self.body = body
        self.refusal: GatewayError | None = None
        self.started = time.perf_counter_ns()
        self.status = 0
        self.fields = b""
        self.sent = b""
        self.ended = False

    def reply(self, status: int, fields: bytes, body: bytes, kind: bytes = JSON) -> None:
        self.status, self.fields, self.sent, self.ended = status, fields, body, True

    def begin(self, fields: bytes, events: bytes) -> None:
        self.status, self.fields, self.sent = 200, fields, events

    def write(self, events: bytes) -> None:
        self.sent += events

    def end(self, events: bytes) -> None:
        self.sent += events
        self.ended = True

    def flow(self, upstream: Reply) -> None: ...
