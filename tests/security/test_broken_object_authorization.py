"""Broken object-level authorization: an id in a path or a body is looked up among the caller's own things only."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.store import teams
from gateway.store.teams import Project, Team
from tests.inside import Inside, inside
from tests.test_access import UPSTREAMS

pytestmark = pytest.mark.anyio
NOBODY = "resp_" + "0" * 32
WAYS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "read": ("GET", "/v1/responses/{id}", None),
    "read its input": ("GET", "/v1/responses/{id}/input_items", None),
    "cancel": ("POST", "/v1/responses/{id}/cancel", {}),
    "delete": ("DELETE", "/v1/responses/{id}", None),
    "go on from": ("POST", "/v1/responses", {"model": "demo", "input": "x", "previous_response_id": "{id}"}),
}
RUN = {"data_source": {"type": "jsonl", "source": {"type": "file_content", "content": [{"item": {"a": "b"}}]}}}
CRITERION = {"type": "string_check", "name": "is b", "input": "{{item.a}}", "operation": "eq", "reference": "b"}
EVAL = {"data_source_config": {"type": "custom", "item_schema": {}}, "testing_criteria": [CRITERION]}
EVAL_WAYS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/v1/evals/{id}", None),
    ("POST", "/v1/evals/{id}", {"name": "taken"}),
    ("GET", "/v1/evals/{id}/runs", None),
    ("POST", "/v1/evals/{id}/runs", RUN),
    ("GET", "/v1/evals/{id}/runs/{run}", None),
    ("POST", "/v1/evals/{id}/runs/{run}", {}),
    ("POST", "/v1/evals/{id}/runs/{run}/cancel", {}),
    ("GET", "/v1/evals/{id}/runs/{run}/output_items", None),
    ("GET", "/v1/evals/{id}/runs/{run}/output_items/{item}", None),
    ("DELETE", "/v1/evals/{id}/runs/{run}", None),
    ("DELETE", "/v1/evals/{id}", None),
]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams=UPSTREAMS) as started:
        yield started


async def tried(running: Inside, way: str, response: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and body, the id that was asked for written as one and the same."""
    method, path, body = WAYS[way]
    sent = None if body is None else {k: response if v == "{id}" else v for k, v in body.items()}
    reply = await running.client.request(method, path.replace("{id}", response), headers=headers, json=sent)
    return reply.status_code, reply.text.replace(response, "ID")


@pytest.mark.parametrize("roles", [(), ("viewer",), ("admin",)])
@pytest.mark.parametrize("way", WAYS)
async def test_broken_object_level_authorization(running: Inside, way: str, roles: tuple[str, ...]) -> None:
    """Another key's response does not exist, in the same words as one that never did, and stays what it was."""
    owner, other = await running.key(), await running.key(*roles)
    made = await running.client.post("/v1/responses", headers=owner, json={"model": "demo", "input": "mine"})
    response = made.json()["id"]
    assert await tried(running, way, response, other) == await tried(running, way, NOBODY, other)
    assert (await tried(running, way, response, other))[0] in (400, 404)
    kept = await running.client.get(f"/v1/responses/{response}", headers=owner)
    assert kept.json() == made.json()


async def test_the_owner_may(running: Inside) -> None:
    owner = await running.key()
    made = await running.client.post("/v1/responses", headers=owner, json={"model": "demo", "input": "mine"})
    for way in ("read", "read its input", "go on from", "delete"):
        assert (await tried(running, way, made.json()["id"], owner))[0] == 200


async def test_every_id_in_a_path_of_the_data_plane_is_tried_here(running: Inside) -> None:
    """A new route with an id must be added here; models are in `tests/test_access.py`, prompts in
    `tests/test_library.py`."""
    with_id = {(route.method, route.path) for route in running.front.served.routes if "{" in route.path}
    known = {(method, path) for method, path, _ in WAYS.values() if "{" in path}
    elsewhere = {("GET", "/v1/models/{model}"), ("GET", "/v1/prompts/{name}")}
    assert with_id == known | elsewhere | {(method, path) for method, path, _ in EVAL_WAYS}


async def test_ids_cannot_be_guessed(running: Inside) -> None:
    owner = await running.key()
    made = [
        (await running.client.post("/v1/responses", headers=owner, json={"model": "demo", "input": "x"})).json()["id"]
        for _ in range(20)
    ]
    assert len(set(made)) == 20
    assert all(re.fullmatch(r"resp_\w{32,}", one) for one in made)
    assert len({one[5:21] for one in made}) == 20  # no counter, no clock in front


async def an_eval(running: Inside, owner: dict[str, str]) -> dict[str, str]:
    """Ids of an eval, of a run of it, and of an item of that."""
    made = (await running.client.post("/v1/evals", headers=owner, json=EVAL)).json()["id"]
    run = (await running.client.post(f"/v1/evals/{made}/runs", headers=owner, json=RUN)).json()["id"]
    for _ in range(400):
        items = await running.client.get(f"/v1/evals/{made}/runs/{run}/output_items", headers=owner)
        if items.json()["data"]:
            return {"id": made, "run": run, "item": items.json()["data"][0]["id"]}
        await asyncio.sleep(0.02)
    raise AssertionError("the run made no item")


async def test_an_eval_is_its_projects_or_its_keys(running: Inside) -> None:
    await running.services.write(lambda connection: teams.add_team(connection, Team("search", None, time.time())))
    for name in ("web", "app"):
        project = Project(name, "search", time.time())
        await running.services.write(lambda connection, one=project: teams.add_project(connection, one))
    mine = await an_eval(running, owner := await running.key(project="web"))
    alone = await an_eval(running, lonely := await running.key())
    sister = await running.key(project="web")
    assert (await running.client.get(f"/v1/evals/{mine['id']}", headers=sister)).status_code == 200
    for ids, strangers in (
        (mine, [lonely, await running.key(project="app"), await running.key("admin")]),
        (alone, [owner, await running.key(), await running.key("admin", project="app")]),
    ):
        for stranger in strangers:
            for method, path, body in EVAL_WAYS:
                reply = await running.client.request(method, path.format(**ids), headers=stranger, json=body)
                assert reply.status_code == 404, (method, path)
            listed = (await running.client.get("/v1/evals", headers=stranger)).json()["data"]
            assert ids["id"] not in [one["id"] for one in listed]
    for method, path, body in EVAL_WAYS:
        reply = await running.client.request(method, path.format(**mine), headers=sister, json=body)
        assert reply.is_success, (method, path, reply.text)
