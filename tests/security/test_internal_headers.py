"""Internal headers: a client's do not reach the upstream, an upstream's do not reach the client."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.upstream import ScriptedUpstream
from tests.running import Gateway
from tests.security.test_parser_differential import completion

OURS = {
    "x-sluice-release": "f" * 64,
    "x-sluice-overhead-us": "1",
    "x-sluice-fixed": "model",
    "x-sluice-principal": "admin",
    "x-request-id": "req_forged",
}
FROM_CLIENTS = {
    **OURS,
    "x-api-key": "sk-mine",
    "cookie": "session=mine",
    "proxy-authorization": "Basic bWluZQ==",
    "openai-organization": "org-mine",
    "x-forwarded-for": "10.0.0.1",
    "forwarded": "for=10.0.0.1",
    "x-real-ip": "10.0.0.1",
    "referer": "https://mine.invalid",
    "user-agent": "mine",
    "te": "trailers",
    "api-key": "mine",
    "x-goog-api-key": "mine",
    "anthropic-version": "2023-06-01",
    "x-amz-security-token": "mine",
}
SENT_ON = {"host", "accept", "content-type", "content-length"}
FROM_UPSTREAMS = {
    **OURS,
    "set-cookie": "session=theirs",
    "location": "http://theirs.invalid",
    "www-authenticate": "Bearer realm=theirs",
    "server": "theirs",
    "via": "1.1 theirs",
    "x-powered-by": "theirs",
    "access-control-allow-origin": "*",
    "content-security-policy": "default-src theirs",
    "openai-organization": "org-theirs",
    "x-envoy-upstream-service-time": "5",
    "alt-svc": 'h3="theirs:443"',
    "refresh": "0;url=http://theirs.invalid",
    "x-ratelimit-remaining-tokens": "7",
}
PASSED_BACK = {"x-ratelimit-remaining-tokens"}
"""What an upstream says for its clients' sake."""


def ask(relay: Gateway, **headers: str) -> httpx.Response:
    body = {"model": "demo", "messages": [{"role": "user", "content": "x"}]}
    return httpx.post(f"{relay.api}/chat/completions", json=body, headers={**headers, **relay.headers})


@pytest.mark.parametrize("name", FROM_CLIENTS)
def test_internal_headers_of_clients(relay: Gateway, upstream: ScriptedUpstream, name: str) -> None:
    upstream.says(completion())
    assert ask(relay, **{name: FROM_CLIENTS[name]}).status_code == 200
    assert upstream.heard().headers.keys() == SENT_ON


def test_the_client_s_key_stays_here(relay: Gateway, upstream: ScriptedUpstream) -> None:
    upstream.says(completion())
    assert ask(relay).status_code == 200
    heard = upstream.heard()
    assert relay.key not in str((heard.path, heard.headers, heard.body))


@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_internal_headers_of_upstreams(relay: Gateway, upstream: ScriptedUpstream, status: int) -> None:
    ordinary = {"error": {"message": "no"}} if status != 200 else completion()
    expected = _fields(relay, upstream, ordinary, status, {})
    upstream.says(ordinary, status, **{name.replace("-", "_"): value for name, value in FROM_UPSTREAMS.items()})
    reply = ask(relay)
    theirs = {name for name, value in FROM_UPSTREAMS.items() if reply.headers.get(name) == value}
    assert theirs == PASSED_BACK
    assert set(reply.headers) - PASSED_BACK == expected


def _fields(
    relay: Gateway, upstream: ScriptedUpstream, body: dict[str, Any], status: int, headers: dict[str, str]
) -> set[str]:
    upstream.says(body, status, **headers)
    return set(ask(relay).headers)


def test_internal_headers_of_upstreams_that_stream(relay: Gateway, upstream: ScriptedUpstream) -> None:
    upstream.streams(b"data: [DONE]\n\n", **{name.replace("-", "_"): value for name, value in FROM_UPSTREAMS.items()})
    body = {"model": "demo", "messages": [{"role": "user", "content": "x"}], "stream": True}
    reply = httpx.post(f"{relay.api}/chat/completions", json=body, headers=relay.headers)
    theirs = {name for name, value in FROM_UPSTREAMS.items() if reply.headers.get(name) == value}
    assert theirs <= PASSED_BACK
