"""`/v1/moderations`: judged on this machine, within limits, recorded; and never passed where nothing was judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.front.moderations import ModerationRoutes
from gateway.guarding.moderating import Moderator
from guardrails.errors import NotRun, Overloaded
from guardrails.guard import Window
from tests.inside import Inside, inside
from tests.trials import records

pytestmark = pytest.mark.anyio

MISSING = "onnxruntime is not installed: pip install 'sluicegate[guards]'"
AWAY = "the guard server refused the connection; it is left alone for some seconds"
HARMLESS = "Where can I see how far my parcel has come today?"


class Told:
    """Models that answer as they are told: each text flagged as hate by the share of it that is x."""

    def __init__(self, raises: BaseException | None = None) -> None:
        self.raises = raises
        self.asked: list[str] = []

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        if self.raises is not None:
            raise self.raises
        self.asked += [row[0] for row in rows]
        shares = [row[0].count("x") / len(row[0]) for row in rows]
        return [(Window(0, 1, (0.0, share, 0.0, share, 0.0, 0.0)),) for share in shares]

    async def embed(self, texts: Sequence[str]) -> Any:
        raise NotImplementedError


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path) as running:
        yield running


def lend(whole: Inside, models: Told) -> Told:
    """Have other models answer from now on."""
    services, served = whole.services, whole.front.served
    parts = services.refresher.snapshots, Moderator(models), services.limits, services.journal, services.metrics
    (told,) = ModerationRoutes(*parts).table()
    others = [route for route in served.routes if route.path != told.path]
    object.__setattr__(served, "routes", (told, *others))
    return models


async def ask(whole: Inside, body: Any, **more: str) -> Any:
    return await whole.client.post("/v1/moderations", json=body, headers={**await whole.key(), **more})


async def test_the_shipped_guard_answers(whole: Inside) -> None:
    reply = await ask(whole, {"input": [HARMLESS, " "], "model": "omni-moderation-latest"})
    assert reply.status_code == 200, reply.text
    said = reply.json()
    assert said["id"].startswith("modr-")
    assert [one["flagged"] for one in said["results"]] == [False, False]
    assert said["results"][0]["category_scores"]["hate"] > 0
    assert said["results"][1]["category_applied_input_types"]["hate"] == []
    (record,) = (await records(whole)).values()
    assert (record.surface, record.status, record.asked) == ("moderations", 200, "omni-moderation-latest")
    assert (record.id, record.served) == (reply.headers["x-request-id"], "sluice-moderation")
    assert record.key_id is not None
    (told,) = orjson.loads(record.guards or "[]")
    assert (told["guard"], told["source"], told["action"]) == ("moderation", "input.0", "allow")
    assert orjson.loads(reply.headers["x-sluice-guards"]) == [told]


async def test_results_are_in_the_order_of_the_inputs(whole: Inside) -> None:
    models = lend(whole, Told())
    reply = await ask(whole, {"input": ["xxxx", "", "a", "xa"]})
    assert models.asked == ["xxxx", "a", "xa"]
    results = reply.json()["results"]
    assert [one["flagged"] for one in results] == [True, False, False, False]
    assert [one["category_scores"]["hate"] for one in results][:3] == [1.0, 0.0, 0.0]
    assert 0 < results[3]["category_scores"]["hate"] < 0.9
    (record,) = (await records(whole)).values()
    (told,) = orjson.loads(record.guards or "[]")
    assert (told["action"], told["source"], told["score"]) == ("flag", "input.0", 1.0)


async def test_parts_are_one_input(whole: Inside) -> None:
    models = lend(whole, Told())
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert len((await ask(whole, {"input": parts})).json()["results"]) == 1
    assert models.asked == ["one\ntwo"]


@pytest.mark.parametrize(
    ("raises", "code", "again", "word"),
    [
        (NotRun(MISSING, "missing"), "moderation_unavailable", "false", "missing"),
        (NotRun("there is no model prompts", "missing"), "moderation_unavailable", "false", "missing"),
        (NotRun(AWAY), "moderation_unavailable", "true", "failed"),
        (Overloaded("4096 windows wait for the model prompts already"), "overloaded", "true", "busy"),
        (MemoryError(), "overloaded", "true", "busy"),
    ],
)
async def test_what_was_not_judged_does_not_pass(
    whole: Inside, raises: BaseException, code: str, again: str, word: str
) -> None:
    lend(whole, Told(raises))
    reply = await ask(whole, {"input": "x"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, code)
    assert reply.headers["x-should-retry"] == again
    if isinstance(raises, NotRun) and code == "moderation_unavailable":
        assert raises.message in reply.json()["error"]["message"]
    (record,) = (await records(whole)).values()
    assert (record.status, record.error) == (503, code)
    assert "not_run" in orjson.loads(record.guards or "[]")[0]
    _, text = whole.services.metrics.exposition()
    assert f'sluice_guard_verdicts_total{{action="allow",guard="moderation",not_run="{word}"' in text.decode()


async def test_a_defect_is_told_as_one(whole: Inside) -> None:
    lend(whole, Told(ZeroDivisionError()))
    reply = await ask(whole, {"input": "x"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "internal_error")
    assert reply.headers["x-request-id"] in reply.json()["error"]["message"]


async def test_refusals_are_recorded_too(whole: Inside) -> None:
    nobody = await whole.client.post("/v1/moderations", json={"input": "x"})
    wrong = await ask(whole, {"input": "x", "model": "gpt-5"})
    none = await ask(whole, {})
    other = await ask(whole, {"input": "x"}, **{"content-type": "text/plain"})
    got = [(reply.status_code, reply.json()["error"]["code"]) for reply in (nobody, wrong, none, other)]
    wanted = [
        (401, "missing_api_key"),
        (404, "model_not_found"),
        (400, "missing_required_parameter"),
        (415, "unsupported_media_type"),
    ]
    assert got == wanted
    found = await records(whole)
    assert [(found[r.headers["x-request-id"]].status) for r in (nobody, wrong, none, other)] == [401, 404, 400, 415]


async def test_the_key_s_limits_hold(whole: Inside) -> None:
    lend(whole, Told())
    headers = await whole.key()
    (key,) = (one.key_id for one in whole.services.refresher.snapshots.current.keys._principals.values())
    admin = await whole.key("admin")
    put = await whole.client.put(f"/admin/limits/key:{key}", json={"requests_per_minute": 2}, headers=admin)
    assert put.status_code == 200, put.text
    replies = [await whole.client.post("/v1/moderations", json={"input": "a"}, headers=headers) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[0].headers["x-ratelimit-limit-requests"] == "2"


async def test_a_client_that_leaves_is_recorded(whole: Inside) -> None:
    class Slow(Told):
        async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
            begun.set()
            await asyncio.sleep(60)
            raise AssertionError

    begun = asyncio.Event()
    lend(whole, Slow())
    asking = asyncio.create_task(ask(whole, {"input": "x"}))
    await begun.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    (record,) = (await records(whole)).values()
    assert (record.status, record.error) == (499, "client_disconnected")
