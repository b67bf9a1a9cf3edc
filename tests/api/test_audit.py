"""The audit log through the admin API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from sqlalchemy import update

from gateway.audit import check
from gateway.store.tables.evidence import audit
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        started.client.headers.update(await started.key("admin", owner="ada"))
        for name in ("search", "web"):
            assert (await started.client.post("/admin/teams", json={"name": name})).status_code == 201
        yield started


async def test_what_was_done_is_listed_newest_first(running: Inside) -> None:
    found = (await running.client.get("/admin/audit")).json()["data"]
    assert [(one["actor"], one["action"], one["object"]) for one in found] == [
        ("ada", "teams.create", "team:web"),
        ("ada", "teams.create", "team:search"),
        ("sluicegate", "audit.began", "audit"),
    ]


@pytest.mark.parametrize(
    ("query", "objects"),
    [
        ({"actor": "ada", "limit": 1}, ["team:web"]),
        ({"action": "teams."}, ["team:web", "team:search"]),
        ({"object": "team:search"}, ["team:search"]),
        ({"before": 3}, ["team:search", "audit"]),
        ({"actor": "nobody"}, []),
        ({"action": "te%"}, []),
    ],
)
async def test_it_is_searched(running: Inside, query: dict[str, object], objects: list[str]) -> None:
    found = (await running.client.get("/admin/audit", params=query)).json()["data"]
    assert [one["object"] for one in found] == objects


@pytest.mark.parametrize("before", ["0", str(2**70), "x"])
async def test_what_is_no_number_of_an_entry(running: Inside, before: str) -> None:
    reply = await running.client.get("/admin/audit", params={"before": before})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "before")


async def test_it_holds_and_says_where_it_does_not(running: Inside) -> None:
    held = (await running.client.get("/admin/audit/verify")).json()
    assert (held["entries"], held["wrong"]) == (3, None)
    await running.services.write(
        lambda connection: connection.execute(update(audit).where(audit.c.seq == 2).values(actor="eve"))
    )
    told = (await running.client.get("/admin/audit/verify")).json()
    assert (told["seq"], told["wrong"]) == (2, "it was changed")


async def test_an_export_is_checked_without_the_gateway(running: Inside) -> None:
    exported = await running.client.get("/admin/audit/export")
    checkpoint = (await running.client.get("/admin/audit/checkpoint")).json()
    rows = [orjson.loads(line) for line in exported.content.splitlines()]
    public = running.services.signer.public
    assert check(rows, public, checkpoint).wrong is None
    assert check(rows[:-1], public, checkpoint).wrong is not None


async def test_who_may_read_it(running: Inside) -> None:
    viewer = await running.key("viewer")
    assert (await running.client.get("/admin/audit", headers=viewer)).status_code == 200
    assert (await running.client.get("/admin/audit/export", headers=viewer)).status_code == 403
