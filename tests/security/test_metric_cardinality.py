"""Label cardinality: nobody makes the metrics grow by asking for what is not there."""

from __future__ import annotations

import uuid

import httpx

from tests.running import Gateway


def series(gateway: Gateway) -> set[str]:
    text = httpx.get(f"{gateway.url}/metrics", headers=gateway.headers).text
    return {line.rpartition(" ")[0] for line in text.splitlines() if line and not line.startswith("#")}


def everywhere(gateway: Gateway, word: str) -> None:
    """Ask with this word wherever a caller can put one."""
    body = {"model": word, "messages": [{"role": "user", "content": word}], "user": word, "metadata": {word: word}}
    named = {"x-client-request-id": word, "x-sluice-sticky": word, "user-agent": word, "traceparent": word}
    httpx.post(f"{gateway.api}/chat/completions", json=body, headers={**gateway.headers, **named})
    httpx.post(f"{gateway.api}/chat/completions", json={**body, "model": "demo"}, headers={**gateway.headers, **named})
    httpx.post(f"{gateway.api}/chat/completions", json=body, headers={"authorization": f"Bearer {word}"})
    httpx.get(f"{gateway.api}/models/{word}", headers=gateway.headers)
    httpx.get(f"{gateway.api}/responses/{word}", headers=gateway.headers)
    httpx.get(f"{gateway.url}/{word}", headers=gateway.headers)
    httpx.get(f"{gateway.url}/admin/{word}", headers=gateway.headers)
    httpx.request("PROPFIND", f"{gateway.url}/{word}")


def test_label_cardinality(gateway: Gateway) -> None:
    everywhere(gateway, "first")
    before = series(gateway)
    words = [uuid.uuid4().hex for _ in range(8)]
    for word in words:
        everywhere(gateway, word)
    after = series(gateway)
    assert after == before
    assert not any(word in line for line in after for word in words)
