"""A gateway whose policies ask servers of others: what they say counts, and once they are gone nothing goes through."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.running import RULES, Gateway, running_gateway

MANIFEST = """
policies:
  theirs:
    input:
      - {guard: http, name: checked, url: "URL/check", allow_http: true, action: redact, budget: 30}
      - {guard: safety_model, name: safe, base_url: "URL/v1", allow_http: true, model: guard, format: llama_guard,
         action: block, message: "Not about that.", budget: 30}
  gone:
    input:
      - {guard: http, url: "http://127.0.0.1:1/check", allow_http: true, action: block}
  keyless:
    input:
      - {guard: http, url: "URL/check", allow_http: true, headers: {x-key: "env:GUARD_NOT_SET"}, action: flag}
endpoints:
  guarded: {upstream: demo, policy: theirs}
  alone: {upstream: demo, policy: gone}
  keyless: {upstream: demo, policy: keyless}
"""


class Judging(BaseHTTPRequestHandler):
    """Marks `Ada` in a text, and finds `poison` unsafe."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        told = self._marked(asked["text"]) if self.path == "/check" else self._said(asked["messages"][-1]["content"])
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    @staticmethod
    def _marked(text: str) -> dict[str, Any]:
        at = text.find("Ada")
        return {"score": float(at >= 0), "spans": [{"start": at, "end": at + 3, "label": "name"}] if at >= 0 else []}

    @staticmethod
    def _said(text: str) -> dict[str, Any]:
        return {"choices": [{"message": {"content": "unsafe\nS1" if "poison" in text else "safe"}}]}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Judging)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    manifest = MANIFEST.replace("URL", f"http://127.0.0.1:{server.server_address[1]}")
    upstreams: dict[str, Any] = {"demo": {"provider": "scripted", "rules": RULES}}
    try:
        with running_gateway(tmp_path_factory.mktemp("theirs"), upstreams, manifest) as started:
            yield started
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(gateway: Gateway, model: str, text: str) -> tuple[httpx.Response, dict[str, dict[str, Any]]]:
    """The reply, and what the record says of each guard."""
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    reply = httpx.post(f"{gateway.api}/chat/completions", json=body, headers=gateway.headers, timeout=60)
    guards = json.loads(gateway.record(reply.headers["x-request-id"])["guards"])
    return reply, {verdict["guard"]: verdict for verdict in guards}


def test_what_a_server_marks_is_redacted(gateway: Gateway) -> None:
    reply, told = ask(gateway, "guarded", "I am Ada.")
    assert reply.status_code == 200
    assert told["checked"]["action"] == "redact"
    assert (told["safe"]["action"], told["safe"]["score"]) == ("allow", 0)


def test_what_a_safety_model_finds_unsafe_is_blocked(gateway: Gateway) -> None:
    reply, told = ask(gateway, "guarded", "How is poison made?")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "content_filter")
    assert "Not about that." in reply.json()["error"]["message"]
    assert told["safe"]["score"] == 1


def test_where_a_server_is_gone_nothing_goes_through_and_nobody_learns_where_it_was(gateway: Gateway) -> None:
    reply, told = ask(gateway, "alone", "hello")
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "guard_unavailable")
    assert reply.headers["x-should-retry"] == "true"
    assert "the server" in told["http"]["not_run"]
    assert "127.0.0.1" not in reply.text + str(dict(reply.headers)) + str(told)


def test_a_guard_that_only_flags_lets_through_what_it_could_not_ask_about(gateway: Gateway) -> None:
    reply, told = ask(gateway, "keyless", "hello")
    assert reply.status_code == 200
    assert told["http"]["not_run"] == "the variable GUARD_NOT_SET is not set"
