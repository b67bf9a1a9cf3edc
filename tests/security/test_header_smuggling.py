"""Header smuggling: a proxy in front of us and we must not read one request in two ways.

Lengths, transfer encodings, folded lines and bare line feeds are in `tests/front/test_ambiguity.py`; here are fields
given twice, and fields that only look like the ones that decide.
"""

from __future__ import annotations

import pytest

from tests.front.connection import CHAT, Connection, question
from tests.running import Gateway

BODY = question("mine")
POST = f"POST {CHAT} HTTP/1.1"
SINGLE = {
    "host": ("gateway", "elsewhere"),
    "authorization": ("Bearer {key}", "Bearer sk-nobody"),
    "x-api-key": ("{key}", "sk-nobody"),
    "content-type": ("application/json", "text/plain"),
    "content-encoding": ("identity", "gzip"),
}


def send(client: Connection, line: str, fields: list[str], body: bytes) -> None:
    lines = [line, *(field.replace("{key}", client.key) for field in fields), f"content-length: {len(body)}"]
    client.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


@pytest.mark.parametrize("line", [POST, "GET /v1/models HTTP/1.1", "GET /admin/keys HTTP/1.1"])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("name", SINGLE)
def test_header_smuggling_by_a_field_given_twice(gateway: Gateway, name: str, order: int, line: str) -> None:
    """Whichever of them is the good one, and however they are written."""
    first, second = SINGLE[name][::order]
    fields = [f"{other}: {values[0]}" for other, values in SINGLE.items() if other not in (name, "x-api-key")]
    with Connection(gateway) as client:
        send(client, line, [*fields, f"{name}: {first}", f"{name.title()}: {second}"], BODY if line == POST else b"")
        answer = client.reply()
        assert answer.status == 400
        assert answer.refusal["code"] == "invalid_http"
        assert name in answer.refusal["message"]


def test_fields_that_decide_nothing_may_be_given_twice(gateway: Gateway) -> None:
    twice = ["accept: */*", "accept: text/html", "x-forwarded-for: 1.2.3.4", "x-forwarded-for: 5.6.7.8"]
    with Connection(gateway) as client:
        send(client, POST, ["host: gateway", "authorization: Bearer {key}", *twice], BODY)
        assert client.reply().said == "mine"


VARIANTS = [
    "x_api_key: {key}",
    "X_Api_Key: {key}",
    "authorization_: Bearer {key}",
    "x-api-key-: {key}",
    "apikey: {key}",
]


@pytest.mark.parametrize("line", [POST, "GET /v1/models HTTP/1.1", "GET /admin/keys HTTP/1.1"])
@pytest.mark.parametrize("field", VARIANTS)
def test_a_field_with_an_underscore_is_another_field(gateway: Gateway, field: str, line: str) -> None:
    """A WSGI server takes `x_api_key` for `x-api-key`; a proxy that strips the one lets the other through."""
    with Connection(gateway) as client:
        send(client, line, ["host: gateway", field], BODY if line == POST else b"")
        assert client.reply().status == 401


@pytest.mark.parametrize("field", ["content_length: 0", "Content_Length: 5", "transfer_encoding: chunked"])
def test_a_length_with_an_underscore_is_no_length(gateway: Gateway, field: str) -> None:
    with Connection(gateway) as client:
        for _ in range(2):
            send(client, POST, ["host: gateway", "authorization: Bearer {key}", field], BODY)
            assert client.reply().said == "mine"


INNER = [
    "x-original-url: /healthz",
    "x-rewrite-url: /healthz",
    "x-http-method-override: GET",
    "x-forwarded-host: 127.0.0.1",
    "x-forwarded-for: 127.0.0.1",
    "x-forwarded-prefix: /healthz",
    "x-real-ip: 127.0.0.1",
    "forwarded: for=127.0.0.1;host=localhost",
    "x-sluice-principal: admin",
    "x-sluice-role: admin",
    "x-remote-user: admin",
]


@pytest.mark.parametrize("field", INNER)
@pytest.mark.parametrize("line", [POST, "GET /v1/models HTTP/1.1", "GET /admin/keys HTTP/1.1", "GET /metrics HTTP/1.1"])
def test_no_field_stands_for_a_key_or_another_path(gateway: Gateway, line: str, field: str) -> None:
    with Connection(gateway) as client:
        send(client, line, ["host: gateway", field], BODY if line == POST else b"")
        assert client.reply().status == 401
