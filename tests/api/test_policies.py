"""Guard policies read back, by digest and by name, through the admin API."""

from __future__ import annotations

import re

import pytest
import yaml

from guardrails.policy import parse, shipped
from tests.inside import Inside

pytestmark = pytest.mark.anyio

WORDS = {"guard": "patterns", "name": "words", "words": ["frobozz"], "action": "block"}
STRICT = {"about": "Strict.", "input": ["secrets", WORDS], "output": ["secrets"]}
MILD = {"dry_run": True, "input": [WORDS]}


def manifest(policy: object, endpoint: str = "bot", name: str = "house") -> str:
    endpoints = {endpoint: {"upstream": "demo", "policy": name}}
    return yaml.safe_dump({"policies": {"house": policy}, "endpoints": endpoints})


async def get(running: Inside, path: str) -> dict[str, object]:
    reply = await running.client.get(f"/admin/policies{path}")
    assert reply.status_code == 200, reply.text
    found: dict[str, object] = reply.json()
    return found


async def test_a_policy_is_read_back_as_it_was_declared(running: Inside) -> None:
    await running.apply(manifest(STRICT))
    digest = parse(STRICT).digest
    for called in ("house", digest, digest[:8]):
        found = await get(running, f"/{called}")
        assert found["policy"] == parse(STRICT).as_json()
        assert parse(found["policy"]).digest == found["digest"] == digest
    assert found["guards"] == {"input": ["secrets", "words"], "output": ["secrets"]}
    assert (found["about"], found["dry_run"], found["author"]) == ("Strict.", False, "test")
    assert (found["names"], found["current"], found["live"], found["tried"]) == (["house"], ["house"], ["bot"], [])


async def test_a_name_means_what_was_declared_last(running: Inside) -> None:
    strict, mild = parse(STRICT).digest, parse(MILD).digest
    await running.apply(manifest(STRICT))
    await running.apply(manifest(MILD))
    assert (await get(running, "/house"))["digest"] == mild
    before = await get(running, f"/{strict}")
    assert (before["names"], before["current"], before["live"]) == (["house"], [], [])
    await running.apply(manifest(STRICT))
    assert (await get(running, "/house"))["digest"] == strict
    listed = (await get(running, ""))["data"]
    assert isinstance(listed, list)
    assert [(one["digest"], one["current"], one["dry_run"]) for one in listed] == [
        (mild, [], True),
        (strict, ["house"], False),
    ]
    assert "policy" not in listed[0]
    assert len((await running.client.get("/admin/policies?limit=1")).json()["data"]) == 1


async def test_a_shipped_policy_has_the_name_that_it_is_shipped_under(running: Inside) -> None:
    await running.apply(manifest(STRICT, name="default"))
    assert (await get(running, "/default"))["digest"] == shipped("default").digest
    assert (await get(running, "/house"))["live"] == []


async def test_a_candidate_s_policy_is_told_as_tried(running: Inside) -> None:
    await running.apply(manifest(STRICT))
    await running.apply(manifest(MILD, "other"))
    body = {"endpoint": "bot", "change": {"policy": parse(MILD).digest}, "reason": "Milder.", "submit": True}
    reply = await running.client.post("/admin/rollouts", json=body)
    assert reply.status_code == 201, reply.text
    found = await get(running, "/house")
    assert (found["live"], found["tried"]) == (["other"], ["bot"])


async def test_what_there_is_not(running: Inside) -> None:
    for called in ("nothing", "ab" * 32, "abcd", "%2e%2e"):
        reply = await running.client.get(f"/admin/policies/{called}")
        assert reply.status_code == 404, called
    error = (await running.client.get("/admin/policies/nothing")).json()["error"]
    assert (error["code"], error["param"]) == ("unknown_policy", "policy")
    assert re.search("sluice policies list", error["message"])


async def test_what_was_said_in_calls_is_for_those_who_may_read_that(running: Inside) -> None:
    taught = {"input": [{"guard": "moderation", "examples": [{"text": "my own words", "attack": False}]}, WORDS]}
    await running.apply(manifest(taught))
    shown = {}
    for role in ("viewer", "editor"):
        reply = await running.client.get("/admin/policies/house", headers=await running.key(role))
        shown[role] = reply.json()["policy"]
    assert shown["editor"] == parse(taught).as_json()
    assert shown["viewer"]["input"][0]["examples"] == [{"text": None, "attack": False, "reason": ""}]
    assert shown["viewer"]["input"][1:] == shown["editor"]["input"][1:]
