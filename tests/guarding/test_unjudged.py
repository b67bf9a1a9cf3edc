"""What a client is told of a request that a closed guard did not judge: whether asking again may help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.inside import inside
from tests.trials import records

pytestmark = pytest.mark.anyio

POLICY = """
policies:
  missing: {input: [{guard: prompt_attack, model: prompts@0123456789ab, action: block}]}
  away: {input: [{guard: http, url: 'http://127.0.0.1:9/judge', allow_http: true, action: block}]}
  slow: {input: [{guard: prompt_attack, budget: 0.000001, action: block}]}
  open: {input: [{guard: http, url: 'http://127.0.0.1:9/judge', allow_http: true, action: block, on_failure: open}]}
endpoints:
  missing: {upstream: up, policy: missing}
  away: {upstream: up, policy: away}
  slow: {upstream: up, policy: slow}
  open: {upstream: up, policy: open}
"""
UP: dict[str, Any] = {"up": {"provider": "scripted", "model": "m"}}


@pytest.mark.parametrize(
    ("endpoint", "again", "why"),
    [("missing", "false", "missing"), ("away", "true", "failed"), ("slow", "true", "slow"), ("open", None, "failed")],
)
async def test_it_is_told_whether_to_ask_again(tmp_path: Path, endpoint: str, again: str | None, why: str) -> None:
    async with inside(tmp_path, upstreams=UP) as running:
        await running.apply(POLICY)
        await running.services.refresher.refresh()
        body = {"model": endpoint, "messages": [{"role": "user", "content": "hello"}]}
        reply = await running.client.post("/v1/chat/completions", json=body, headers=await running.key())
        assert orjson.loads(reply.headers["x-sluice-guards"])[0]["not_run"]
        _, metrics = running.services.metrics.exposition()
        assert f'not_run="{why}"' in metrics.decode()
        if again is None:
            assert reply.status_code == 200, reply.text
            return
        error = reply.json()["error"]
        assert (reply.status_code, error["code"], error["param"]) == (503, "guard_unavailable", "messages[0].content")
        assert reply.headers["x-should-retry"] == again
        assert (reply.headers.get("retry-after") is not None) == (again == "true")
        (record,) = (await records(running)).values()
        assert (record.status, record.error, record.upstream) == (503, "guard_unavailable", None)
