"""Rollouts through the admin API: what a proposal is refused for."""

from __future__ import annotations

import pytest

from tests.inside import Inside

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("field", "said"),
    [("prompt", "belongs into `change`"), ("parameters", "belongs into `change`"), ("promt", "is none")],
)
async def test_a_field_in_the_wrong_place_is_told_its_own(running: Inside, field: str, said: str) -> None:
    await running.apply("endpoints: {bot: {upstream: demo}}")
    reply = await running.client.post("/admin/rollouts", json={"endpoint": "bot", field: "greet@1"})
    error = reply.json()["error"]
    assert (reply.status_code, error["param"], error["code"]) == (400, field, "invalid_value")
    assert error["message"] == (
        f"A rollout is proposed with endpoint, release, change, plan, reason, submit; {field!r} {said}."
    )


async def test_a_proposal_is_an_object(running: Inside) -> None:
    assert (await running.client.post("/admin/rollouts", json=["bot"])).status_code == 400


GUARDED = """
policies: {careful: {input: [{guard: patterns, words: [frobozz], action: block}]}}
endpoints: {bot: {upstream: demo, policy: careful}}
"""


async def candidate(running: Inside, **change: object) -> dict[str, object]:
    """The release that a proposal to change the live one makes."""
    reply = await running.client.post("/admin/rollouts", json={"endpoint": "bot", "change": change})
    assert reply.status_code == 201, reply.text
    found: dict[str, object] = (await running.client.get(f"/admin/releases/{reply.json()['release']}")).json()
    return found


async def test_a_candidate_is_guarded_as_the_live_release_is_unless_that_is_what_changes(running: Inside) -> None:
    await running.apply(GUARDED)
    (bot,) = [one for one in (await running.client.get("/admin/endpoints")).json()["data"] if one["name"] == "bot"]
    live = (await running.client.get(f"/admin/releases/{bot['release']}")).json()["policy"]
    assert live is not None
    assert (await candidate(running, parameters={"temperature": 0}))["policy"] == live
    shipped = (await candidate(running, policy="default"))["policy"]
    assert shipped not in (None, live)
    assert (await candidate(running, policy=shipped, parameters={"temperature": 1}))["policy"] == shipped
    assert (await candidate(running, policy=None))["policy"] is None


@pytest.mark.parametrize("policy", ["careful", "0" * 64, "\0", ""])
async def test_a_policy_is_one_that_is_there(running: Inside, policy: str) -> None:
    await running.apply(GUARDED)
    body = {"endpoint": "bot", "change": {"policy": policy}}
    error = (await running.client.post("/admin/rollouts", json=body)).json()["error"]
    assert (error["param"], error["code"]) == ("policy", "unknown_policy")
    assert "there are default" in error["message"] or "did you mean" in error["message"]
