"""Who may do what: every route declares a rule, and every rule is kept."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import ROLES, Access, KeyHasher, KeyRing, admit, may_use
from gateway.api.deps import Requires
from gateway.errors import Forbidden, Unauthenticated
from gateway.types import Principal
from tests.inside import Inside, inside

MANIFEST = "endpoints: {bot: {upstream: demo}, other-bot: {upstream: demo}}"
UPSTREAMS = {"demo": {"provider": "scripted"}, "spare": {"provider": "scripted"}}
ASKED = {"messages": [{"role": "user", "content": "Hi."}]}
RULE = {
    Access.PUBLIC: {"nobody", "nameless", *ROLES},
    Access.KEY: {"nameless", *ROLES},
    Access.VIEWER: set(ROLES),
    Access.EVALUATOR: {"evaluator", "editor", "approver", "admin"},
    Access.EDITOR: {"editor", "admin"},
    Access.APPROVER: {"approver", "admin"},
    Access.HANDLER: {"editor", "approver", "admin"},
    Access.ADMIN: {"admin"},
}
"""Who satisfies a rule; `nameless` is a key without a role."""
CHANGES = {Access.EVALUATOR, Access.EDITOR, Access.APPROVER, Access.HANDLER, Access.ADMIN}
"""The rules of what changes something: a viewer changes nothing."""


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams=UPSTREAMS) as started:
        await started.apply(MANIFEST)
        yield started


def declared(running: Inside) -> dict[tuple[str, str], Access | None]:
    """The rule of every route there is, None where a route declares none."""
    found: dict[tuple[str, str], Access | None] = {
        (route.method, route.path): route.access for route in running.front.served.routes
    }
    for context in iter_route_contexts(running.admin.routes):
        needed = getattr(context, "dependant", None)
        rules = [need.call.access for need in needed.dependencies if isinstance(need.call, Requires)] if needed else []
        for method in context.methods or ():
            found[method, str(context.path)] = rules[0] if len(rules) == 1 else None
    return found


@pytest.mark.anyio
async def test_every_route_declares_its_rule(running: Inside) -> None:
    rules = declared(running)
    assert len(rules) > 20
    assert [route for route, rule in rules.items() if rule is None] == []
    public = {path for (_, path), rule in rules.items() if rule is Access.PUBLIC}
    assert public == {"/healthz", "/readyz"}
    changes = {route for route in rules if route[0] not in ("GET", "HEAD") and route[1].startswith("/admin")}
    assert {rules[route] for route in changes} <= CHANGES


@pytest.mark.anyio
async def test_what_the_hot_front_serves_is_declared_too(running: Inside) -> None:
    """It passes the table by; what it serves is in the table all the same, and the pipeline asks for the key."""
    rules = declared(running)
    hot = [path.decode() for path in running.front.served.state["hot_routes"]]
    assert hot
    assert {rules["POST", path] for path in hot} == {Access.KEY}


@pytest.mark.anyio
async def test_every_rule_is_kept(running: Inside) -> None:
    """Every route, asked by everybody: 401 without a key, 403 without the role, and let in otherwise."""
    callers = {"nobody": {}, "nameless": await running.key(), **{role: await running.key(role) for role in ROLES}}
    wrong = []
    for (method, path), rule in declared(running).items():
        assert rule is not None
        for who, headers in callers.items():
            reply = await running.client.request(method, re.sub(r"\{\w+\}", "x", path), headers=headers)
            if who in RULE[rule]:
                fits = reply.status_code not in (401, 403)
            else:
                fits = reply.status_code == (401 if who == "nobody" else 403)
            if not fits:
                wrong.append((method, path, rule, who, reply.status_code))
    assert wrong == []


@pytest.mark.anyio
async def test_what_is_no_key_in_force_opens_nothing(running: Inside) -> None:
    revoked = await running.key("admin")
    listed = (await running.client.get("/admin/keys", headers=revoked)).json()["data"]
    for key in listed:
        await running.client.delete(f"/admin/keys/{key['id']}", headers=revoked)
    unheard: list[dict[str, str]] = [
        {"authorization": "Bearer sk-unknown"},
        {"authorization": "Bearer "},
        {"authorization": revoked["authorization"].removeprefix("Bearer ")},
        {"authorization": f"Basic {revoked['authorization'][7:]}"},
        revoked,
    ]
    rules = declared(running)
    for headers in unheard:
        for method, path in (route for route, rule in rules.items() if rule is not Access.PUBLIC):
            reply = await running.client.request(method, re.sub(r"\{\w+\}", "x", path), headers=headers)
            assert reply.status_code == 401, (method, path, headers)
            if method != "HEAD":
                assert set(reply.json()["error"]) >= {"message", "type"}
            assert reply.headers["www-authenticate"] == "Bearer"


# Scopes --------------------------------------------------------------------------------------------------------------


async def names(running: Inside, headers: dict[str, str]) -> set[str]:
    reply = await running.client.get("/v1/models", headers=headers)
    return {model["id"] for model in reply.json()["data"]}


async def ask(running: Inside, model: str, headers: dict[str, str]) -> tuple[int, Any]:
    reply = await running.client.post("/v1/chat/completions", json={"model": model, **ASKED}, headers=headers)
    return reply.status_code, reply.json().get("error")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("grant", "allowed"),
    [
        ({}, {"bot", "other-bot", "demo", "spare"}),
        ({"upstreams": frozenset()}, {"bot", "other-bot"}),
        ({"endpoints": frozenset(["bot"]), "upstreams": frozenset()}, {"bot"}),
        ({"endpoints": frozenset(), "upstreams": frozenset(["demo"])}, {"demo"}),
        ({"endpoints": frozenset(["bot"]), "upstreams": frozenset(["spare", "gone"])}, {"bot", "spare"}),
    ],
)
async def test_a_key_sees_and_uses_its_scope_and_nothing_else(
    running: Inside, grant: dict[str, Any], allowed: set[str]
) -> None:
    headers = await running.key(**grant)
    assert await names(running, headers) == allowed
    for model in ("bot", "other-bot", "demo", "spare", "nowhere", "demo:adapter"):
        status, error = await ask(running, model, headers)
        assert status == (200 if model in allowed else 404), model
        listed = await running.client.get(f"/v1/models/{model}", headers=headers)
        assert listed.status_code == status
        if status == 404:
            words = f"The model {model!r} does not exist or you do not have access to it."
            assert (error["message"], error["code"], error["param"]) == (words, "model_not_found", "model")


@pytest.mark.anyio
async def test_a_key_that_expires_ends_without_anybody_looking(running: Inside) -> None:
    headers = await running.key(expires=time.time() + 0.3)
    status, error = await ask(running, "bot", headers)
    for _ in range(100):
        if status != 200:
            break
        await asyncio.sleep(0.05)
        status, error = await ask(running, "bot", headers)
    assert (status, error["code"]) == (401, "expired_api_key")


# The parts -----------------------------------------------------------------------------------------------------------


@given(st.frozensets(st.sampled_from(ROLES)), st.sampled_from(Access))
def test_a_role_is_admitted_where_the_rule_names_it(roles: frozenset[str], rule: Access) -> None:
    principal = Principal("k", "n", roles)
    if roles & RULE[rule] or "nameless" in RULE[rule]:
        admit(rule, principal)
        return
    with pytest.raises(Forbidden) as refused:
        admit(rule, principal)
    assert all(role in refused.value.message for role in RULE[rule])


@pytest.mark.parametrize(
    ("authorization", "api_key", "found"),
    [
        (b"Bearer sk-a", None, True),
        (b"bearer sk-a", None, True),
        (b"BEARER   sk-a  ", None, True),
        (None, b"sk-a", True),
        (b"Basic xyz", b"sk-a", True),
        (b"Bearer sk-b", b"sk-a", False),
        (b"Bearer", None, False),
        (b"Bearer ", None, False),
        (b"sk-a", None, False),
        (None, b"", False),
        (None, None, False),
    ],
)
def test_where_a_key_is_looked_for(authorization: bytes | None, api_key: bytes | None, found: bool) -> None:
    hasher = KeyHasher(b"pepper")
    ring = KeyRing(hasher, {hasher.digest(b"sk-a"): Principal("k", "n")})
    if found:
        assert ring.authenticate(authorization, api_key).key_id == "k"
    else:
        with pytest.raises(Unauthenticated):
            ring.authenticate(authorization, api_key)


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_a_digest_depends_on_the_secret_and_the_pepper(secret: bytes, other: bytes, pepper: bytes) -> None:
    assert (KeyHasher(b"p").digest(secret) == KeyHasher(b"p").digest(other)) == (secret == other)
    long = b"q" * 32 + pepper
    assert KeyHasher(long).digest(secret) != KeyHasher(b"p").digest(secret)
    assert len(KeyHasher(pepper).digest(secret)) == 32


def test_none_means_all_and_nothing_means_nothing() -> None:
    assert may_use(None, "x")
    assert may_use(frozenset(["x"]), "x")
    assert not may_use(frozenset(), "x")
