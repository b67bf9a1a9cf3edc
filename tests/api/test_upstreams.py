"""What the admin API tells of upstreams and pools."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.health import OPENS_AT
from tests.inside import inside

pytestmark = pytest.mark.anyio


async def test_an_upstream_that_fails_is_shown_with_the_reason(tmp_path: Path) -> None:
    upstreams = {
        "well": {"provider": "scripted"},
        "broken": {"provider": "scripted", "rules": [{"status": 503, "say": "out of order"}]},
    }
    pools = {"both": {"members": {"broken": 1}, "fallbacks": ["well"], "retries": 0}}
    async with inside(tmp_path, upstreams=upstreams, pools=pools) as whole:
        key = await whole.key("viewer")
        body = {"model": "both", "messages": [{"role": "user", "content": "x"}]}
        for _ in range(OPENS_AT):
            assert (await whole.client.post("/v1/chat/completions", json=body, headers=key)).status_code == 200
        shown = (await whole.client.get("/admin/upstreams", headers=key)).json()
    states = {upstream["name"]: upstream for upstream in shown["data"]}
    assert states["well"]["state"] == "closed"
    assert (states["broken"]["state"], states["broken"]["opened"]) == ("open", 1)
    assert "out of order" in states["broken"]["why"]
    assert states["broken"]["wait"] > 0
    (pool,) = shown["pools"]
    assert (pool["name"], pool["members"], pool["fallbacks"]) == ("both", {"broken": 1}, ["well"])
