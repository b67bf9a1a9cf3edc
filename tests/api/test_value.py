"""What an endpoint costs and brings, through the admin API."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway import value
from gateway.record import CallRecord
from gateway.store import calls, feedback
from gateway.store.feedback import Feedback
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio


def served(connection: Connection) -> None:
    """Forty calls of the last minutes, each a second apart; a quarter of them brought two USD."""
    now = time.time_ns()
    made = [
        CallRecord(
            f"req_{n}", now - n * 1_000_000_007, "chat", 200, asked="bot", endpoint="bot", release="d1", cost=1000
        )
        for n in range(40)
    ]
    calls.ship(connection, "segment", 1, made)
    for n in range(10):
        said = Feedback(f"feedback_{n}", f"req_{n}", now / 1e9, "key_1", "ada", "user", "helpful", 1.0, value=2_000_000)
        feedback.put(connection, said, feedback.served(connection, said.call))


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    rates = {"bot": 45.0}
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}, hourly_rates=rates) as started:
        await started.apply("endpoints: {bot: {upstream: demo}, idle: {upstream: demo}}")
        await started.services.write(served)
        started.client.headers.update(await started.key("viewer"))
        yield started


async def told(running: Inside, **query: Any) -> dict[str, Any]:
    reply = await running.client.get("/admin/value", params={"endpoint": "bot", **query})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def test_the_tree_of_an_endpoint(running: Inside) -> None:
    found = await told(running)
    assert (found["object"], found["endpoint"], found["share"]) == ("value", "bot", 1.0)
    assert found["until"] - found["since"] == pytest.approx(30 * 86_400)
    tree = found["served"]
    assert (tree["calls"], tree["totals"]["cost"], tree["totals"]["value"]) == (40, 40_000, 20_000_000)
    assert tree["quality"]["scores"]["helpful"]["n"] == 10
    assert tree["value"]["per_call"]["estimate"] == pytest.approx(500_000)
    assert tree["value"]["roi"]["estimate"] == pytest.approx(499)
    assert [(one["release"], one["calls"]) for one in found["releases"]] == [("d1", 40)]
    assert found["rollouts"] == []


async def test_a_span_of_it(running: Inside) -> None:
    assert 0 < (await told(running, since="20s"))["served"]["calls"] < 40
    assert (await told(running, until="1h"))["served"]["calls"] == 0


async def test_what_an_hour_is_worth(running: Inside) -> None:
    assert (await told(running))["hourly_rate"] == 45.0
    assert (await told(running, hourly_rate=0))["hourly_rate"] == 0.0
    assert (await told(running, endpoint="idle"))["hourly_rate"] is None


async def test_of_more_calls_a_sample_is_read(running: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value, "MOST", 20)
    found = await told(running)
    assert found["share"] == 0.5
    assert 20 <= found["served"]["calls"] <= 80
    assert found["served"]["cost"]["per_call"]["estimate"] == pytest.approx(1000)


async def test_what_cannot_be_asked(running: Inside) -> None:
    asked: list[tuple[dict[str, str], int]] = [
        ({}, 400),
        ({"endpoint": "nowhere"}, 404),
        ({"endpoint": "bot", "since": "soon"}, 400),
        ({"endpoint": "bot", "hourly_rate": "-1"}, 400),
        ({"endpoint": "bot", "release": "d1"}, 400),
    ]
    for query, status in asked:
        reply = await running.client.get("/admin/value", params=query)
        assert reply.status_code == status, query
    assert (await running.client.get("/admin/value", headers=await running.key())).status_code == 403


@pytest.mark.parametrize("rate", ["nan", "inf", "-1", "1000001", "1e300", "much", ""])
async def test_a_rate_is_a_number_within_bounds(running: Inside, rate: str) -> None:
    reply = await running.client.get("/admin/value", params={"endpoint": "bot", "hourly_rate": rate})
    error = reply.json()["error"]
    assert (reply.status_code, error["param"]) == (400, "hourly_rate")
    assert error["message"] == "hourly_rate: write a number from 0 to 1,000,000."
