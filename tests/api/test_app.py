"""What holds for all of the admin API: errors in OpenAI's shape, and a description of itself."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.inside import Inside

pytestmark = pytest.mark.anyio


def refused(reply: httpx.Response, status: int, code: str) -> None:
    assert reply.status_code == status
    error = reply.json()["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["code"] == code
    assert reply.headers["x-should-retry"] == ("true" if status == 500 or status == 503 else "false")


async def test_it_describes_itself(running: Inside) -> None:
    described = (await running.client.get("/admin/openapi.json")).json()
    assert {
        "/admin/keys",
        "/admin/keys/{key_id}",
        "/admin/keys/{key_id}/rotate",
        "/admin/teams/{name}",
        "/admin/projects/{name}",
        "/admin/limits/{scope}",
        "/admin/apply",
        "/admin/endpoints",
        "/admin/releases/{digest}",
        "/admin/calls",
        "/admin/calls/{request_id}",
    } <= described["paths"].keys()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["description"], (path, method)
            assert operation["responses"].keys() & {"200", "201", "202"}


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/nothing", "/admin/keys/", "/admin/docs", "/admin/redoc"])
async def test_a_path_that_is_not_there(running: Inside, path: str) -> None:
    refused(await running.client.get(path), 404, "unknown_url")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/admin/keys", "GET, POST"),
        ("POST", "/admin/limits/team:search", "DELETE, GET, PUT"),
        ("GET", "/admin/keys/x", "DELETE, PATCH"),
        ("GET", "/admin/apply", "POST"),
    ],
)
async def test_a_method_that_is_not_taken(running: Inside, method: str, path: str, allow: str) -> None:
    """Every route of the path is asked what it takes."""
    reply = await running.client.request(method, path)
    refused(reply, 405, "method_not_allowed")
    assert reply.headers["allow"] == allow


async def test_a_dead_database_is_said(running: Inside) -> None:
    folder = running.services.settings.data
    running.services.store.close()
    spoil(folder)
    refused(await running.client.get("/admin/keys"), 503, "database_unavailable")


def spoil(folder: Path) -> None:
    for path in folder.glob("sluice.db*"):
        path.unlink()
    (folder / "sluice.db").mkdir()


async def test_a_defect_of_ours_tells_nothing_of_itself(running: Inside) -> None:
    """It is raised on, for the server's log, after the client has its reply."""

    def broken() -> None:
        raise ZeroDivisionError("secret detail")

    running.admin.get("/admin/broken")(broken)
    transport = httpx.ASGITransport(app=running.admin, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        reply = await client.get("/admin/broken")
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "internal_error")
    assert "secret detail" not in reply.text
