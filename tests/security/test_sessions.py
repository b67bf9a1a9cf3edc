"""Sessions that never end, and identities of others: there are none here, and this is what keeps it so.

No route sets or reads a cookie; no token is read as a claim about its bearer. What ends a key (expiry, rotation,
revocation) is in `tests/test_access.py` and `tests/api/test_keys.py`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.access import Access
from tests.inside import Inside, inside
from tests.test_access import UPSTREAMS, declared

pytestmark = pytest.mark.anyio


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams=UPSTREAMS) as started:
        yield started


async def test_no_session_is_begun(running: Inside) -> None:
    admin = await running.key("admin")
    for method, path in declared(running):
        reply = await running.client.request(method, re.sub(r"\{\w+\}", "x", path), headers=admin)
        assert "set-cookie" not in reply.headers, path


async def test_a_cookie_is_no_key(running: Inside) -> None:
    secret = (await running.key("admin"))["authorization"].removeprefix("Bearer ")
    cookies = {
        "cookie": "; ".join(f"{name}={secret}" for name in ("session", "token", "key", "authorization", "sluice"))
    }
    for (method, path), rule in declared(running).items():
        if rule is not Access.PUBLIC:
            reply = await running.client.request(method, re.sub(r"\{\w+\}", "x", path), headers=cookies)
            assert reply.status_code == 401, path


async def test_a_key_in_the_query_is_no_key(running: Inside) -> None:
    """Where it would be logged by every proxy on the way."""
    secret = (await running.key("admin"))["authorization"].removeprefix("Bearer ")
    for name in ("key", "api_key", "access_token", "token"):
        reply = await running.client.get("/admin/keys", params={name: secret})
        assert reply.status_code == 401


def unsigned(**claims: object) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), ""])


@pytest.mark.parametrize("claim", ["sub", "role", "roles", "scope", "email", "key_id"])
async def test_identity_swap_by_a_token_s_own_word(running: Inside, claim: str) -> None:
    """There is no OIDC and no JWT here: a token that says who it is, is a key nobody minted."""
    await running.key("admin")
    token = unsigned(**{claim: "admin"})
    for path in ("/admin/keys", "/v1/models"):
        assert (await running.client.get(path, headers={"authorization": f"Bearer {token}"})).status_code == 401
