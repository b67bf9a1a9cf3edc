"""A server that answers as it is told, and both halves of the client."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.client.halves import Half
from tests.client.people import People, at_work, key
from tests.running import Gateway


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Told:
    """What it answers, in turn; the last for ever. None hangs up without a word."""

    url: str = ""
    answers: deque[tuple[int, dict[str, str], Any] | None] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, status: int, body: Any, **headers: str) -> None:
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, body))

    def hang_up(self) -> None:
        self.answers.append(None)

    def next(self) -> tuple[int, dict[str, str], Any] | None:
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.asked.append(Asked(self.command, self.path, headers, json.loads(raw) if raw else None))
            answer = made.next()
            if answer is None:
                self.close_connection = True
                return
            status, fields, body = answer
            encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**fields, "content-length": str(len(encoded))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(encoded)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *said: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(params=["asynchronous", "synchronous"])
def half(request: pytest.FixtureRequest) -> Iterator[Half]:
    if request.param == "synchronous":
        yield Half(None)
        return
    with asyncio.Runner() as runner:
        yield Half(runner)


@pytest.fixture(scope="session")
def keys(gateway: Gateway) -> tuple[str, str, str]:
    return key(gateway, "boss", "admin"), key(gateway, "ada", "editor"), key(gateway, "grace", "approver")


@pytest.fixture
def people(gateway: Gateway, keys: tuple[str, str, str], half: Half) -> Iterator[People]:
    with at_work(half, gateway, keys) as opened:
        yield opened
