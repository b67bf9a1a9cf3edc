"""A small HTTP server that keeps what it is sent: the collector of spans, or the upstream, of a test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATIENCE = 20.0
"""Seconds after which a test gives up waiting."""


@dataclass
class Listening:
    """`status` and `body` are what it answers; while `answering` is not set, it takes requests and stays silent."""

    status: int = 200
    body: bytes = b""
    url: str = ""
    posts: queue.Queue[tuple[dict[str, str], bytes]] = field(default_factory=queue.Queue)
    answering: threading.Event = field(default_factory=threading.Event)

    def post(self) -> tuple[dict[str, str], bytes]:
        """The next POST it got: headers by lower-case name, and the body."""
        return self.posts.get(timeout=PATIENCE)

    def spans(self, count: int) -> list[Span]:
        """The next `count` spans it got, out of as many requests as they came in."""
        found: list[Span] = []
        while len(found) < count:
            sent = ExportTraceServiceRequest.FromString(self.post()[1])
            found += [span for part in sent.resource_spans for scope in part.scope_spans for span in scope.spans]
        return found


@contextmanager
def listening(status: int = 200, body: bytes = b"") -> Iterator[Listening]:
    """Closed at the end of the context: later connections are refused."""
    kept = Listening(status, body)
    kept.answering.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["content-length"]))
            kept.posts.put(({name.lower(): value for name, value in self.headers.items()}, sent))
            kept.answering.wait(PATIENCE)
            self.send_response(kept.status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(kept.body)))
            self.end_headers()
            self.wfile.write(kept.body)
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield kept
    finally:
        kept.answering.set()
        server.shutdown()
        thread.join()
        server.server_close()


def plain(value: AnyValue) -> object:
    """An attribute's value as Python's."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    found: object = getattr(value, str(kind))
    return found


def attributes(span: Span) -> dict[str, object]:
    return {pair.key: plain(pair.value) for pair in span.attributes}
