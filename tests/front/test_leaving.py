"""Clients that leave, and clients that do not read: the upstream is stopped, or waits; the record says so."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.e2e.upstream import PATIENCE, ScriptedUpstream
from tests.front.connection import Connection, Memory, chunked, head, question, request
from tests.running import Gateway, running_gateway

MEGABYTES = 256
"""What the endless upstream would send, if it were let."""


def event(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return (
        b"data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"
    )


def sent_over(front: str, key: str, body: bytes, *fields: str) -> bytes:
    """The same request so that the hot front serves it, or so that the ASGI front does."""
    if front == "hot":
        return request(key, body, *fields)
    return head(key, "transfer-encoding: chunked", *fields) + chunked(body, len(body))


def test_a_slow_answer_holds_back_the_request_behind_it(relay: Gateway, upstream: ScriptedUpstream) -> None:
    with Connection(relay) as client:
        upstream.streams(event("one"), None, event("two", "stop"), b"data: [DONE]\n\n")
        client.send(request(client.key, question("x", stream=True)) + request(client.key, question("x", stream=True)))
        client.head()
        assert b"one" in client.chunk()
        upstream.heard()
        assert upstream.asked.empty()  # the second request has not been sent on
        upstream.going.set()
        assert b"".join(iter(client.chunk, b"")).endswith(b"data: [DONE]\n\n")
        client.head()
        assert b"one" in client.chunk()
        upstream.heard()


@pytest.mark.parametrize("front", ["hot", "asgi"])
def test_leaving_a_stream_stops_the_upstream_and_bills_what_was_made(
    relay: Gateway, upstream: ScriptedUpstream, front: str
) -> None:
    upstream.streams(event("one "), event("two "), event("three "), None, event("never"))
    with Connection(relay) as client:
        client.send(sent_over(front, client.key, question("count", stream=True)))
        status, headers = client.head()
        seen = b""
        while b"three" not in seen:
            seen += client.chunk()
    assert status == 200
    assert upstream.left.wait(PATIENCE)
    record = relay.record(headers["x-request-id"])
    assert (record["status"], record["error"]) == (499, "client_disconnected")
    assert (record["output_tokens"], record["estimated"]) == (3, True)
    assert record["cost"] == record["input_tokens"] + 5 * 3


@pytest.mark.parametrize("front", ["hot", "asgi"])
@pytest.mark.parametrize("stream", [False, True])
def test_leaving_before_the_first_byte_stops_the_upstream_and_costs_nothing(
    relay: Gateway, upstream: ScriptedUpstream, front: str, stream: bool
) -> None:
    upstream.hangs()
    name = f"left-{front}-{stream}"
    with Connection(relay) as client:
        client.send(sent_over(front, client.key, question("x", stream=stream), f"x-client-request-id: {name}"))
        upstream.heard()
    assert upstream.left.wait(PATIENCE)
    record = record_of(relay, name)
    assert (record["status"], record["error"]) == (499, "client_disconnected")
    assert (record["output_tokens"], record["cost"]) == (0, 0)


def test_leaving_with_requests_behind_serves_none_of_them(relay: Gateway, upstream: ScriptedUpstream) -> None:
    upstream.hangs()
    with Connection(relay) as client:
        client.send(request(client.key, question("x")) * 3)
        upstream.heard()
    assert upstream.left.wait(PATIENCE)
    upstream.says({"choices": [{"index": 0, "message": {"content": "y"}, "finish_reason": "stop"}]})
    with Connection(relay) as client:
        client.send(request(client.key, question("mine")))
        assert client.reply().said == "y"
    assert upstream.heard().body["messages"][0]["content"] == "mine"
    assert upstream.asked.empty()


def test_a_reset_is_a_way_of_leaving(relay: Gateway, upstream: ScriptedUpstream) -> None:
    upstream.streams(event("one "), None)
    with Connection(relay) as client:
        client.send(request(client.key, question("x", stream=True)))
        _, headers = client.head()
        client.chunk()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert upstream.left.wait(PATIENCE)
    assert relay.record(headers["x-request-id"])["status"] == 499


# A client that does not read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("front", ["hot", "asgi"])
def test_a_client_that_does_not_read_makes_the_upstream_wait(
    front: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with endless_upstream() as (url, stuck):
        demo = {"provider": "openai", "model": "m", "base_url": url}
        with running_gateway(tmp_path_factory.mktemp(front), {"demo": demo}) as gateway, Connection(gateway) as client:
            memory = Memory(gateway)
            client.send(sent_over(front, client.key, question("x", stream=True)))
            assert stuck.wait(PATIENCE)
            assert memory.grown < 16
            client.head()
            assert b"endless" in client.chunk()


@contextmanager
def endless_upstream() -> Iterator[tuple[str, threading.Event]]:
    """Streams as fast as it can; the event says that for a second nobody took anything."""
    stuck = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            connection.settimeout(1.0)
            piece = event("endless" + "x" * 1000) * 1000
            try:
                for _ in range(MEGABYTES):
                    connection.sendall(piece)
            except TimeoutError:
                stuck.set()
            except ConnectionError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", stuck
    finally:
        thread.join()
        listening.close()


def record_of(gateway: Gateway, client_request_id: str) -> dict[str, Any]:
    """The record of a call whose own id never reached its client."""
    for _ in range(100):
        listed = httpx.get(f"{gateway.url}/admin/calls", headers=gateway.headers).json()["data"]
        for record in listed:
            if record["client_request_id"] == client_request_id:
                found: dict[str, Any] = record
                return found
        time.sleep(0.1)
    raise AssertionError(f"no record of {client_request_id}")
