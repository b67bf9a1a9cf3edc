"""Path confusion: what is asked for is the path as the server decoded it, whatever host, form or writing it came in.

Paths of the data plane are in `tests/front/test_ambiguity.py`.
"""

from __future__ import annotations

import httpx
import pytest

from tests.front.connection import Connection
from tests.running import Gateway

FORGED_HOSTS = [
    "gateway/healthz?",
    "gateway/healthz#",
    "healthz",
    "gateway/../healthz",
    "gateway\\healthz",
    "gateway:80/healthz",
    "user@gateway",
    "[::1]/healthz",
    "127.0.0.1",
    "localhost",
]


@pytest.mark.parametrize("host", FORGED_HOSTS)
@pytest.mark.parametrize("path", ["/admin/keys", "/metrics", "/v1/models"])
def test_path_confusion_by_host(gateway: Gateway, host: str, path: str) -> None:
    """A path put together from the host would be one that needs no key (CVE-2026-48710)."""
    with Connection(gateway) as client:
        client.send(f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        assert client.reply().status in (400, 401)


WRITINGS = [
    "/healthz/../admin/keys",
    "/healthz%2f..%2fadmin%2fkeys",
    "/healthz;/../admin/keys",
    "/healthz/..;/admin/keys",
    "/healthz%00/admin/keys",
    "/admin;x/keys",
    "/admin%2fkeys",
    "/%2e/admin/keys",
    "/admin/%2e%2e/admin/keys",
    "//admin//keys",
    "///admin/keys",
    "/admin/keys/",
    "/admin/keys%20",
    "/admin/keys%0a",
    "/admin/keys?x=/healthz",
    "/admin/keys#/healthz",
    "/Admin/Keys",
    "/admin\\keys",
    "/admin%5ckeys",
    "/%61%64min/keys",
    "/%2561dmin/keys",
    "http://gateway/admin/keys",
    "http://gateway/healthz/../admin/keys",
    "http://127.0.0.1:9/admin/keys",
    "admin/keys",
    "*",
]


@pytest.mark.parametrize("path", WRITINGS)
def test_path_confusion_by_writing(gateway: Gateway, path: str) -> None:
    """Without a key nothing but a refusal, however the path is written."""
    with Connection(gateway) as client:
        client.send(f"GET {path} HTTP/1.1\r\nhost: gateway\r\n\r\n".encode())
        answer = client.reply()
        assert answer.status in (400, 401, 404)
        assert answer.refusal["type"] in ("invalid_request_error", "authentication_error")


TRAVERSALS = ["..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/secret", "..%5c..%5csecret", "%00", "%ff%fe", "a" * 5000]


@pytest.mark.parametrize("name", TRAVERSALS)
@pytest.mark.parametrize("under", ["/v1/models", "/v1/responses", "/admin/calls", "/admin/releases", "/admin/prompts"])
def test_a_name_in_a_path_is_no_file(gateway: Gateway, under: str, name: str) -> None:
    with Connection(gateway) as client:
        client.send(
            f"GET {under}/{name} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {client.key}\r\n\r\n".encode("latin-1")
        )
        answer = client.reply()
        assert answer.status in (400, 404)
        assert b"root:" not in answer.body
        assert set(answer.refusal) == {"message", "type", "param", "code"}
        assert len(answer.body) < 1000


def test_the_true_path_is_there(gateway: Gateway) -> None:
    """So that the refusals above are not those of a gateway that refuses everything."""
    assert httpx.get(f"{gateway.url}/admin/keys", headers=gateway.headers).status_code == 200
    assert httpx.get(f"{gateway.url}/admin/keys").status_code == 401
