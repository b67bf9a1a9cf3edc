"""Requests that two servers could read in two ways: refused, the connection closed, nothing smuggled through."""

from __future__ import annotations

import json

import pytest

from tests.front.connection import CHAT, Connection, chunked, head, question, request
from tests.running import Gateway

SMUGGLED = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"
BODY = question("hello")
LENGTH = f"content-length: {len(BODY)}"

AMBIGUOUS = {
    "length and chunked": (("transfer-encoding: chunked", LENGTH), chunked(BODY, 99)),
    "chunked and length": ((LENGTH, "transfer-encoding: chunked"), chunked(BODY, 99)),
    "two lengths": ((LENGTH, "content-length: 0"), BODY),
    "the same length twice": ((LENGTH, LENGTH), BODY),
    "a list of lengths": ((f"content-length: {len(BODY)}, {len(BODY)}",), BODY),
    "a signed length": ((f"content-length: +{len(BODY)}",), BODY),
    "a negative length": (("content-length: -1",), BODY),
    "a length in hexadecimal": ((f"content-length: {len(BODY):#x}",), BODY),
    "a length with an underscore": (("content-length: 7_6",), BODY),
    "a length that overflows": (("content-length: " + "9" * 30,), BODY),
    "no length at all but a value": (("content-length:",), BODY),
    "space before the colon": ((f"content-length : {len(BODY)}",), BODY),
    "a folded line": ((LENGTH, "x-a: b\r\n  content-length: 0"), BODY),
    "a line without a carriage return": ((f"x-a: b\ncontent-length: {len(BODY)}",), BODY),
    "a carriage return alone": ((f"x-a: b\rcontent-length: {len(BODY)}",), BODY),
    "NUL in a value": ((LENGTH, "x-a: b\0c"), BODY),
    "NUL in a name": ((LENGTH, "x\0a: b"), BODY),
    "space in a name": ((LENGTH, "x a: b"), BODY),
    "a field without a name": ((LENGTH, ": b"), BODY),
    "chunked, then something else": (("transfer-encoding: chunked, identity",), chunked(BODY, 99)),
    "a chunk size that is none": (("transfer-encoding: chunked",), b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a negative chunk size": (("transfer-encoding: chunked",), b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a prefixed chunk size": (("transfer-encoding: chunked",), b"0x4c\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk size that overflows": (("transfer-encoding: chunked",), b"f" * 17 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk longer than its size": (("transfer-encoding: chunked",), b"4\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a chunk ended by LF": (("transfer-encoding: chunked",), b"%x\n%b\n0\n\n" % (len(BODY), BODY)),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_can_be_read_in_two_ways_is_refused(gateway: Gateway, case: str) -> None:
    fields, body = AMBIGUOUS[case]
    with Connection(gateway) as client:
        client.send(head(client.key, *fields) + body + SMUGGLED)
        answer = client.reply()
        assert answer.status == 400
        assert answer.refusal["code"] == "invalid_http"
        assert client.ended()


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_it_is_refused_on_a_connection_in_use_too(gateway: Gateway, case: str) -> None:
    fields, body = AMBIGUOUS[case]
    with Connection(gateway) as client:
        client.send(request(client.key, question("first")) + head(client.key, *fields) + body + SMUGGLED)
        assert client.reply().said == "first"
        assert client.reply().status == 400
        assert client.ended()


@pytest.mark.parametrize("encoding", ["chunked", "xchunked", "Chunked", "\tchunked", "identity", "gzip, chunked"])
def test_a_transfer_encoding_never_lets_a_second_request_through(gateway: Gateway, encoding: str) -> None:
    """Whatever is made of it, the bytes of a body are a body's: no reply but the one to this request."""
    inner = json.dumps({"model": "demo", "messages": [{"role": "user", "content": "SMUGGLED"}]}).encode()
    hidden = request(gateway.key, inner)
    with Connection(gateway) as client:
        client.send(head(client.key, f"transfer-encoding: {encoding}", "connection: close") + chunked(hidden, 9999))
        first = client.reply()
        assert first.status in (400, 501)
        assert b"SMUGGLED" not in first.body
        assert client.ended()


def test_a_body_that_looks_like_a_request_is_a_body(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        client.send(request(client.key, SMUGGLED) + request(client.key, question("next")))
        assert client.reply().refusal["code"] == "invalid_json"
        assert client.reply().said == "next"


@pytest.mark.parametrize("line", [f"post {CHAT} HTTP/1.1", f"POST {CHAT} HTTP/1.2", f"POST\t{CHAT} HTTP/1.1"])
def test_a_malformed_request_line_is_refused(gateway: Gateway, line: str) -> None:
    with Connection(gateway) as client:
        client.send(request(client.key, question("x"), line=line))
        assert client.reply().status == 400
        assert client.ended()


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 99, b"\0" * 99, b"SSH-2.0-x\r\n"]
)
def test_what_is_not_http_is_refused(gateway: Gateway, garbage: bytes) -> None:
    """A TLS hello, zeros, another protocol."""
    with Connection(gateway) as client:
        client.send(garbage)
        assert client.reply().status == 400
        assert client.ended()


# Paths and hosts -----------------------------------------------------------------------------------------------------

ASTRAY = [
    "/v1//chat/completions",
    "//v1/chat/completions",
    "/v1/chat/completions/",
    "/v1/./chat/completions",
    "/v1/x/../chat/completions",
    "/V1/chat/completions",
    "/v1/chat/completions%00",
    "/v1/chat/completions;x",
    "/v1/chat",
    "/",
]


@pytest.mark.parametrize("path", ASTRAY)
def test_only_the_path_itself_is_the_path(gateway: Gateway, path: str) -> None:
    with Connection(gateway) as client:
        client.send(request(client.key, question("x"), line=f"POST {path} HTTP/1.1"))
        answer = client.reply()
        assert answer.status == 404
        assert answer.refusal["code"] == "unknown_url"
        assert "/v1/" in answer.refusal["message"]


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions?x=1", "/v1/chat%2Fcompletions", "/v1/%63hat/completions", f"http://elsewhere{CHAT}"]
)
def test_the_same_path_written_otherwise_asks_for_the_same_key(gateway: Gateway, path: str) -> None:
    """However a path is written, what answers is behind the same check."""
    with Connection(gateway) as client:
        client.send(request("sk-nobody", question("x"), line=f"POST {path} HTTP/1.1"))
        assert client.reply().status == 401
        client.send(request(client.key, question("yes"), line=f"POST {path} HTTP/1.1"))
        assert client.reply().said == "yes"


@pytest.mark.parametrize(
    "path",
    ["/admin/keys", "/admin//keys", "/v1/../admin/keys", "/%61dmin/keys", "//admin/keys", "/admin/../admin/keys"],
)
def test_no_writing_of_an_admin_path_gets_past_its_rule(gateway: Gateway, path: str) -> None:
    with Connection(gateway) as client:
        client.send(f"GET {path} HTTP/1.1\r\nhost: gateway\r\n\r\n".encode())
        answer = client.reply()
        assert answer.status in (401, 404)
        assert set(answer.refusal) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("host", ["elsewhere", "127.0.0.1:1", "admin", "", "a b", "x" * 300])
def test_the_host_decides_nothing(gateway: Gateway, host: str) -> None:
    with Connection(gateway) as client:
        body = question("whoever")
        fields = f"host: {host}\r\nauthorization: Bearer {client.key}\r\ncontent-length: {len(body)}\r\n\r\n"
        client.send(f"POST {CHAT} HTTP/1.1\r\n{fields}".encode() + body)
        assert client.reply().said == "whoever"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_another_method_is_refused_by_name(gateway: Gateway, method: str) -> None:
    with Connection(gateway) as client:
        client.send(request(client.key, question("x"), line=f"{method} {CHAT} HTTP/1.1"))
        answer = client.reply()
        assert answer.status == 405
        assert answer.refusal["code"] == "method_not_allowed"
        assert "POST" in answer.refusal["message"]
        client.send(request(client.key, question("and on")))
        assert client.reply().said == "and on"


def test_a_tunnel_is_not_opened(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        client.send(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n")
        assert client.reply().status in (400, 404, 405)


def test_of_two_keys_the_bearer_counts(gateway: Gateway) -> None:
    with Connection(gateway) as client:
        client.send(request("sk-nobody", question("x"), f"x-api-key: {client.key}"))
        assert client.reply().status == 401
        client.send(request(client.key, question("mine"), "x-api-key: sk-nobody"))
        assert client.reply().said == "mine"
