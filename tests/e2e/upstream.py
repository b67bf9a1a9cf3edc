"""An OpenAI-compatible server that answers with the bytes it was given, and keeps what it was asked."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 20.0
"""Seconds after which a test gives up waiting."""


@dataclass(frozen=True)
class Asked:
    """One request. Header names in lower case."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """`pieces` are sent one after the other. None among them waits until the test says `go`, or the gateway is gone."""

    pieces: tuple[bytes | None, ...]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class ScriptedUpstream:
    """Gives the answer that was set last, again and again."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: queue.Queue[Asked] = queue.Queue()
        self.going = threading.Event()
        self.left = threading.Event()
        """The gateway closed the connection while an answer waited."""
        self.answer = Answer((b"{}",))

    def streams(self, *pieces: bytes | None, **headers: str) -> None:
        """Answer with a stream of these pieces."""
        self._set(Answer(pieces, 200, {"content-type": "text/event-stream", **headers}))

    def says(self, body: Any, status: int = 200, **headers: str) -> None:
        """Answer with this JSON."""
        self._set(Answer((json.dumps(body).encode(),), status, {"content-type": "application/json", **headers}))

    def hangs(self) -> None:
        """Take the request, and stay silent."""
        self._set(Answer((None,), 200, {"content-type": "text/event-stream"}))

    def heard(self) -> Asked:
        """The next request it got."""
        return self.asked.get(timeout=PATIENCE)

    def _set(self, answer: Answer) -> None:
        self.answer = answer
        self.going.clear()
        self.left.clear()
        while not self.asked.empty():
            self.asked.get()


class Server(ThreadingHTTPServer):
    def __init__(self, upstream: ScriptedUpstream) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.upstream.answer
        self.server.upstream.asked.put(Asked(self.path, headers, json.loads(raw)))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        for piece in answer.pieces:
            if piece is not None:
                self.wfile.write(piece)
            elif not self._wait():
                return

    def _wait(self) -> bool:
        """Until the test says `go`; False if the gateway closed the connection first."""
        upstream = self.server.upstream
        self.connection.settimeout(0.02)
        while not upstream.going.is_set():
            try:
                if self.connection.recv(1) == b"":
                    upstream.left.set()
                    return False
            except TimeoutError:
                continue
            except OSError:
                upstream.left.set()
                return False
        self.connection.settimeout(PATIENCE)
        return True

    def log_message(self, format: str, *arguments: object) -> None: ...


@contextmanager
def scripted_upstream() -> Iterator[ScriptedUpstream]:
    upstream = ScriptedUpstream()
    server = Server(upstream)
    upstream.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield upstream
    finally:
        upstream.going.set()
        server.shutdown()
        thread.join()
        server.server_close()
