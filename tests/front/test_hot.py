"""The hot path's front, spoken to byte by byte: framing, order, hand-over to the ASGI front, limits."""

from __future__ import annotations

import json

import pytest

from gateway.front.exchange import UNPROVEN_BYTES
from gateway.wire.body import MAX_REQUEST_BYTES
from tests.front.connection import CHAT, Connection, Memory, chunked, head, question, request
from tests.running import Gateway

GET_HEALTH = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"


def test_pipelined_requests_are_answered_in_their_order(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        client.send(b"".join(request(client.key, question(f"number {n}")) for n in range(50)))
        assert [client.reply().said for _ in range(50)] == [f"number {n}" for n in range(50)]


def test_a_request_is_the_same_wherever_it_is_cut(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        whole = request(client.key, question("anywhere"))
        for at in range(1, len(whole)):
            client.send(whole[:at], whole[at:])
            assert client.reply().said == "anywhere"


def test_a_request_may_come_byte_by_byte(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        whole = request(client.key, question("drop by drop"))
        client.send(*(whole[at : at + 1] for at in range(len(whole))))
        assert client.reply().said == "drop by drop"


def test_more_than_fits_is_pipelined_and_waits_its_turn(gateway: Gateway) -> None:
    """Far more than a head's worth of bytes lies behind a request that is being served."""
    long = "x" * 100_000
    with Connection(gateway) as client:
        client.send(request(client.key, question("weather")))
        client.send(*(request(client.key, question(long)) for _ in range(10)))
        assert client.reply().json["choices"][0]["finish_reason"] == "tool_calls"
        assert [client.reply().said for _ in range(10)] == [long] * 10


def test_a_connection_goes_on_after_refusals(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        for body, status in ((b"{", 400), (question("x", model="nobody"), 404), (question("busy"), 429)):
            client.send(request(client.key, body))
            answer = client.reply()
            assert answer.status == status
            assert answer.headers["x-request-id"].startswith("req_")
            assert answer.refusal["message"]
        client.send(request(client.key, question("still here")))
        assert client.reply().said == "still here"


def test_a_client_may_ask_for_the_connection_to_end(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        client.send(request(client.key, question("bye"), "connection: close"))
        answer = client.reply()
        assert answer.said == "bye"
        assert answer.headers["connection"] == "close"
        assert client.ended()


def test_a_connection_moves_to_the_asgi_front_and_hot_paths_work_there(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        client.send(request(client.key, question("hot")))
        assert client.reply().said == "hot"
        client.send(GET_HEALTH)
        assert client.reply().json == {"status": "ok"}
        for words in ("after", "the", "move"):
            client.send(request(client.key, question(words)))
            answer = client.reply()
            assert answer.said == words
            assert answer.headers["x-request-id"].startswith("req_")


def test_a_move_loses_nothing_that_was_pipelined(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        one, two = (request(client.key, question(words)) for words in ("one", "two"))
        client.send(one + GET_HEALTH + two + GET_HEALTH)
        assert client.reply().said == "one"
        assert client.reply().json == {"status": "ok"}
        assert client.reply().said == "two"
        assert client.reply().json == {"status": "ok"}


@pytest.mark.parametrize("at", range(1, 40, 3))
def test_a_move_happens_wherever_the_other_request_is_cut(gateway: Gateway, at: int) -> None:
    with Connection(gateway) as client:
        client.send(request(client.key, question("first")) + GET_HEALTH[:at])
        assert client.reply().said == "first"
        client.send(GET_HEALTH[at:])
        assert client.reply().json == {"status": "ok"}


def test_a_chunked_request_is_read_by_the_asgi_front(gateway: Gateway) -> None:
    body = question("in pieces ☃")
    with Connection(gateway) as client:
        for size in (1, 7, len(body)):
            client.send(head(client.key, "transfer-encoding: chunked") + chunked(body, size))
            assert client.reply().said == "in pieces ☃"
        client.send(request(client.key, question("and a plain one")))
        assert client.reply().said == "and a plain one"


def test_a_client_that_waits_for_permission_gets_it(gateway: Gateway) -> None:
    body = question("may I?")
    with Connection(gateway) as client:
        client.send(head(client.key, "expect: 100-continue", f"content-length: {len(body)}"))
        assert client.head()[0] == 100
        client.send(body)
        assert client.reply().said == "may I?"


def test_http_1_0_is_answered_and_closed(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        client.send(request(client.key, question("old"), line=f"POST {CHAT} HTTP/1.0"))
        answer = client.reply()
        assert answer.said == "old"
        assert answer.headers["connection"] == "close"
        assert client.ended()


def test_a_websocket_is_not_spoken(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        fields = ("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13", "sec-websocket-key: eA==")
        client.send(head(client.key, *fields, line="GET /v1/realtime HTTP/1.1"))
        answer = client.reply()
        assert answer.status == 404
        assert answer.refusal["code"] == "unknown_url"


# Too much ------------------------------------------------------------------------------------------------------------


def test_fifty_megabytes_are_refused_in_little_memory(gateway: Gateway) -> None:
    megabyte = b"x" * 1024 * 1024
    with Connection(gateway) as client:
        memory = Memory(gateway)
        client.send(head(client.key, f"content-length: {50 * len(megabyte)}"))
        client.send(*[megabyte] * 50)
        answer = client.reply()
        assert answer.status == 413
        assert answer.refusal["code"] == "request_too_large"
        assert "32 MiB" in answer.refusal["message"]
        assert answer.headers["connection"] == "close"
        assert memory.grown < 8


def test_fifty_megabytes_in_chunks_are_refused_in_bounded_memory(gateway: Gateway) -> None:
    megabyte = b"x" * 1024 * 1024
    with Connection(gateway) as client:
        memory = Memory(gateway)
        client.send(head(client.key, "transfer-encoding: chunked"))
        client.send(*[b"100000\r\n" + megabyte + b"\r\n"] * 50, b"0\r\n\r\n")
        answer = client.reply()
        assert answer.status == 413
        assert answer.refusal["code"] == "request_too_large"
        assert memory.grown < 48


@pytest.mark.parametrize("length", [MAX_REQUEST_BYTES + 1, 2**40])
def test_a_length_beyond_the_limit_is_refused_before_the_body(gateway: Gateway, length: int) -> None:
    with Connection(gateway) as client:
        client.send(head(client.key, f"content-length: {length}"))
        answer = client.reply()
        assert answer.status == 413
        assert answer.headers["x-should-retry"] == "false"
        assert client.ended()


def test_a_client_that_waits_for_permission_is_refused_without_sending(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        client.send(head(client.key, "expect: 100-continue", f"content-length: {MAX_REQUEST_BYTES + 1}"))
        answer = client.reply()
        assert answer.status == 413
        assert answer.refusal["code"] == "request_too_large"
        assert client.ended()


@pytest.mark.parametrize("fields", [(f"content-length: {UNPROVEN_BYTES + 1}",), ("transfer-encoding: chunked",)])
def test_without_a_known_key_little_of_a_body_is_taken_in(gateway: Gateway, fields: tuple[str, ...]) -> None:
    with Connection(gateway) as client:
        client.send(head("sk-nobody", *fields))
        if "chunked" in fields[0]:
            client.send(b"%x\r\n%b\r\n0\r\n\r\n" % (UNPROVEN_BYTES + 1, b"x" * (UNPROVEN_BYTES + 1)))
        answer = client.reply()
        assert answer.status == 401
        assert answer.refusal["code"] == "invalid_api_key"
        assert client.ended()


def test_a_refused_upload_leaves_a_record(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        client.send(head(client.key, f"content-length: {MAX_REQUEST_BYTES + 1}"))
        request_id = client.reply().headers["x-request-id"]
    record = gateway.record(request_id)
    assert (record["status"], record["error"]) == (413, "request_too_large")


@pytest.mark.parametrize("line", [f"POST {CHAT} HTTP/1.1", "GET /healthz HTTP/1.1"])
def test_a_head_without_end_is_refused(gateway: Gateway, line: str) -> None:
    with Connection(gateway) as client:
        client.send(f"{line}\r\nx-long: ".encode() + b"a" * 70_000)
        answer = client.reply()
        assert answer.status == 400
        assert "64 KiB" in answer.refusal["message"]
        assert client.ended()


def test_the_largest_body_is_served(gateway: Gateway) -> None:
    words = "y" * (MAX_REQUEST_BYTES - 200)
    body = json.dumps({"model": "demo", "messages": [{"role": "user", "content": "capital " + words}]}).encode()
    with Connection(gateway) as client:
        client.send(request(client.key, body))
        assert client.reply().said == "The capital of France is Paris."
