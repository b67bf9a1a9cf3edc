"""Labels through the admin API: who moves which, and what is remembered of it; comments; ids from elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.store import evidence
from gateway.store.evidence import EvidenceRow
from tests.inside import Inside, inside

pytestmark = pytest.mark.anyio
ROLES = ("viewer", "evaluator", "editor", "approver", "admin")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    """A prompt in two versions: the first by Ada, the second by Bob."""
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        for owner, content in (("ada", "one"), ("bob", "two")):
            as_author = await started.key("editor", owner=owner)
            body = {"messages": [{"role": "user", "content": content}]}
            reply = await started.client.post("/admin/prompts/a", json=body, headers=as_author)
            assert reply.status_code == 201, reply.text
        started.client.headers.update(await started.key("admin", owner="carol"))
        yield started


async def move(running: Inside, label: str, who: dict[str, str] | None = None, **body: Any) -> tuple[int, Any]:
    reply = await running.client.put(f"/admin/prompts/a/labels/{label}", json=body, headers=who)
    return reply.status_code, reply.json() if reply.is_success else reply.json()["error"]


async def labels(running: Inside) -> dict[str, int]:
    found = (await running.client.get("/admin/prompts/a/labels")).json()["data"]
    return {one["label"]: one["version"] for one in found}


@pytest.mark.parametrize("role", ROLES)
async def test_who_moves_what(running: Inside, role: str) -> None:
    who = await running.key(role, owner="dave")
    plain, _ = await move(running, "staging", who, version=1)
    protected, _ = await move(running, "production", who, version=1, reason="Tried.")
    assert plain == (200 if role in ("editor", "admin") else 403)
    assert protected == (200 if role in ("approver", "admin") else 403)


async def test_nobody_takes_their_own_version_to_production(running: Inside) -> None:
    bob = await running.key("approver", owner="bob")
    status, error = await move(running, "production", bob, version="latest", reason="Mine.")
    assert (status, error["code"], error["param"]) == (403, "own_version", "version")
    assert (await move(running, "production", bob, version=1, reason="Ada's."))[0] == 200
    assert await labels(running) == {"production": 1}


async def test_evidence_is_named_that_there_is(running: Inside) -> None:
    row = EvidenceRow("ev_1", "r" * 64, None, "eval", 1.0, "ada", None, "d" * 64, None, {}, "")
    await running.services.write(lambda connection: evidence.add(connection, row))
    status, error = await move(running, "production", version=1, reason="Tried.", evidence=["ev_1", "ev_2"])
    assert (status, error["code"], error["param"]) == (404, "evidence_not_found", "evidence")
    status, moved = await move(running, "production", version=1, reason="Tried.", evidence=["ev_1"])
    assert (status, moved["evidence"]) == (200, ["ev_1"])
    [kept] = (await running.client.get("/admin/prompts/a/labels")).json()["history"]
    assert kept == moved


@pytest.mark.parametrize("reason", ["", "  \n"])
async def test_a_protected_label_moves_with_a_reason(running: Inside, reason: str) -> None:
    status, error = await move(running, "production", version=1, reason=reason)
    assert (status, error["code"], error["param"]) == (400, "missing_reason", "reason")
    assert await labels(running) == {}


async def test_every_move_is_remembered(running: Inside) -> None:
    await move(running, "production", version=1, reason="First.")
    await move(running, "production", version=1, reason="There already.")
    await move(running, "production", version="2", reason="Better.")
    reply = await running.client.delete("/admin/prompts/a/labels/production", params={"reason": "Gone."})
    assert reply.json()["before"] == 2
    found = (await running.client.get("/admin/prompts/a/labels")).json()
    assert found["data"] == []
    assert [(one["before"], one["after"], one["by"], one["reason"], one["evidence"]) for one in found["history"]] == [
        (2, None, "carol", "Gone.", []),
        (1, 2, "carol", "Better.", []),
        (None, 1, "carol", "First.", []),
    ]


async def test_a_label_can_be_protected_and_no_longer(running: Inside) -> None:
    editor = await running.key("editor", owner="dave")
    reply = await running.client.put("/admin/protected-labels/staging", headers=editor)
    assert reply.status_code == 403
    assert (await running.client.put("/admin/protected-labels/staging")).json()["by"] == "carol"
    found = (await running.client.get("/admin/protected-labels")).json()["data"]
    assert [(one["label"], one["by"]) for one in found] == [("production", None), ("staging", "carol")]
    assert (await move(running, "staging", editor, version=1, reason="Mine."))[0] == 403
    await running.client.delete("/admin/protected-labels/staging")
    assert (await move(running, "staging", editor, version=1))[0] == 200
    assert (await running.client.delete("/admin/protected-labels/staging")).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_production_is_always_protected(running: Inside, method: str) -> None:
    reply = await running.client.request(method, "/admin/protected-labels/production")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "always_protected")


@pytest.mark.parametrize("label", ["latest", "12", "A", "-a", "a" * 65])
async def test_what_is_no_label(running: Inside, label: str) -> None:
    status, error = await move(running, label, version=1)
    assert (status, error["param"]) == (400, "label")
    assert (await running.client.put(f"/admin/protected-labels/{label}")).status_code == 400


@pytest.mark.parametrize(
    ("label", "version", "code"), [("staging", 9, "version_not_found"), ("x", "y", "label_not_found")]
)
async def test_a_label_points_at_what_there_is(running: Inside, label: str, version: int | str, code: str) -> None:
    status, error = await move(running, label, version=version)
    assert (status, error["code"]) == (404, code)
    assert (await running.client.delete(f"/admin/prompts/a/labels/{label}")).status_code == 404


async def test_comments_are_of_a_version(running: Inside) -> None:
    for version, body in ((1, "Too long."), ("latest", "Better.")):
        reply = await running.client.post("/admin/prompts/a/comments", json={"version": version, "body": body})
        assert reply.status_code == 201
    found = (await running.client.get("/admin/prompts/a/comments")).json()["data"]
    assert [(one["version"], one["by"], one["body"]) for one in found] == [
        (1, "carol", "Too long."),
        (2, "carol", "Better."),
    ]
    viewer = await running.key("viewer")
    reply = await running.client.post("/admin/prompts/a/comments", json={"version": 1, "body": "Hm."}, headers=viewer)
    assert reply.status_code == 403


async def test_an_id_from_elsewhere_names_a_prompt(running: Inside) -> None:
    reply = await running.client.put("/admin/prompt-aliases/pmpt_123", json={"prompt": "a"})
    assert reply.json() == {"alias": "pmpt_123", "prompt": "a"}
    assert (await running.client.get("/admin/prompts/pmpt_123")).json()["name"] == "a"
    await running.apply("endpoints: {bot: {prompt: a, upstream: demo}}")
    for given, status in (("pmpt_123", 200), ("a", 200), ("pmpt_456", 400)):
        body = {"model": "bot", "messages": [{"role": "user", "content": "hello"}], "prompt": {"id": given}}
        assert (await running.client.post("/v1/chat/completions", json=body)).status_code == status


@pytest.mark.parametrize(
    ("alias", "prompt", "status"),
    [("a", "a", 409), ("pmpt 1", "a", 400), ("x" * 129, "a", 400), ("pmpt_1", "ghost", 404)],
)
async def test_what_cannot_be_an_alias(running: Inside, alias: str, prompt: str, status: int) -> None:
    reply = await running.client.put(f"/admin/prompt-aliases/{alias}", json={"prompt": prompt})
    assert reply.status_code == status


async def test_no_release_moves_with_a_label(running: Inside) -> None:
    """What serves is a release; a label is a word for a version."""
    await running.apply("endpoints: {bot: {prompt: a@1, upstream: demo}}")
    before = running.services.refresher.snapshots.current.endpoints["bot"].live
    await move(running, "production", version=2, reason="Better.")
    after = running.services.refresher.snapshots.current.endpoints["bot"].live
    assert before is not None
    assert after is not None
    assert before.release.digest == after.release.digest
