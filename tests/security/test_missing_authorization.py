"""Routes that forgot to ask: none is outside the inventory of `tests/test_access.py`, and a dead key opens none."""

from __future__ import annotations

import ast
import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway import api
from gateway.access import Access
from tests.inside import Inside, inside
from tests.test_access import UPSTREAMS, declared

pytestmark = pytest.mark.anyio
METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "api_route", "add_api_route")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams=UPSTREAMS) as started:
        yield started


def written() -> set[str]:
    """The functions that are declared as routes anywhere under `gateway/api`."""
    found = set()
    for path in Path(api.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = [one.func for one in node.decorator_list if isinstance(one, ast.Call)]
                if any(isinstance(func, ast.Attribute) and func.attr in METHODS for func in calls):
                    found.add(node.name)
    return found


async def test_every_route_that_is_written_is_in_the_inventory(running: Inside) -> None:
    """A router that is mounted where the inventory does not look would be outside of it."""
    names = {route.name for route in running.admin.routes if hasattr(route, "name")}
    served = {
        operation["operationId"] for path in running.admin.openapi()["paths"].values() for operation in path.values()
    }
    missing = {name for name in written() if not any(one.startswith(name) for one in served | names)}
    assert len(written()) > 10
    assert missing == set()


async def test_an_expired_key_opens_no_route(running: Inside) -> None:
    expires = time.time() + 1.5
    expired = await running.key("admin", expires=expires)
    assert (await running.client.get("/admin/keys", headers=expired)).status_code == 200
    await asyncio.sleep(max(0.0, expires - time.time()) + 0.01)
    opened = []
    for (method, path), rule in declared(running).items():
        reply = await running.client.request(method, re.sub(r"\{\w+\}", "x", path), headers=expired)
        if rule is not Access.PUBLIC and reply.status_code != 401:
            opened.append((method, path, reply.status_code))
    assert opened == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "GET "])
async def test_no_other_method_gets_past_a_rule(running: Inside, method: str) -> None:
    for path in ("/admin/keys", "/admin/calls", "/admin/openapi.json", "/metrics", "/v1/models"):
        reply = await running.client.request(method, path)
        assert reply.status_code in (401, 404, 405), path
        assert "data" not in reply.text or reply.status_code == 405


async def test_no_page_describes_the_admin_api_to_strangers(running: Inside) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/admin/docs", "/admin/redoc", "/admin/openapi.json", "/admin"):
        assert (await running.client.get(path)).status_code in (401, 404)
