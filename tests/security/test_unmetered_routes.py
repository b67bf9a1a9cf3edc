"""Passthrough without meters: what reaches an upstream is asked for by a key, and leaves a record with its tokens."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.front.routes import HOT
from tests.inside import inside
from tests.running import Gateway

USER = [{"role": "user", "content": "hello"}]
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": USER},
    "/v1/completions": {"prompt": "hello"},
    "/v1/embeddings": {"input": "hello"},
    "/v1/messages": {"max_tokens": 9, "messages": USER},
    "/v1/responses": {"input": "hello"},
}


def test_every_surface_is_asked_here() -> None:
    assert ASKED.keys() == HOT.keys()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ASKED)
def test_unmetered_routes(gateway: Gateway, path: str, stream: bool) -> None:
    more = {"stream": True} if stream and path != "/v1/embeddings" else {}
    body = {"model": "demo", **ASKED[path], **more}
    reply = httpx.post(f"{gateway.url}{path}", json=body, headers=gateway.headers)
    assert reply.status_code == 200
    record = gateway.record(reply.headers["x-request-id"])
    assert record["status"] == 200
    assert record["key_id"] is not None
    assert record["input_tokens"] > 0
    assert record["upstream"] == "demo"


@pytest.mark.parametrize("path", ASKED)
def test_a_refusal_leaves_a_record_too(gateway: Gateway, path: str) -> None:
    for headers, status in (({}, 401), ({"authorization": "Bearer sk-nobody"}, 401)):
        reply = httpx.post(f"{gateway.url}{path}", json={"model": "demo", **ASKED[path]}, headers=headers)
        assert reply.status_code == status
        assert gateway.record(reply.headers["x-request-id"])["status"] == status


@pytest.mark.anyio
async def test_nothing_else_reaches_an_upstream(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The routes that change something are these: no path is passed through as it is."""
    async with inside(tmp_path_factory.mktemp("inside"), upstreams={"demo": {"provider": "scripted"}}) as running:
        posts = {route.path for route in running.front.served.routes if route.method not in ("GET", "HEAD", "DELETE")}
        evals = {path for path in posts if path.startswith(("/v1/evals", "/v1/fine_tuning/alpha/graders/"))}
        assert posts - evals == {*HOT, "/v1/feedback", "/v1/moderations", "/v1/responses/{id}/cancel"}
        headers = await running.key("admin")
        for path in ("/v1/images/generations", "/v1/audio/speech", "/v1/rerank", "/v1/anything", "/openai/v1/x", "/v1"):
            assert (await running.client.post(path, headers=headers, json={})).status_code == 404
