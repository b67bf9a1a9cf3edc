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
