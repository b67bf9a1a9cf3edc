"""What the ASGI front holds off before anything behind it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.front.exchange import UNPROVEN_BYTES
from gateway.wire.body import MAX_REQUEST_BYTES
from tests.inside import inside

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/admin/keys", "/admin/apply", "/v1/responses"])
@pytest.mark.parametrize(
    ("known", "size", "code"),
    [
        (True, MAX_REQUEST_BYTES + 1, "request_too_large"),
        (False, MAX_REQUEST_BYTES + 1, "missing_api_key"),
        (False, UNPROVEN_BYTES + 1, "missing_api_key"),
        (False, UNPROVEN_BYTES, "missing_api_key"),
    ],
)
async def test_no_body_is_read_without_bounds(tmp_path: Path, path: str, known: bool, size: int, code: str) -> None:
    async with inside(tmp_path) as running:
        body = b'"%b"' % (b"x" * (size - 2))
        key = await running.key("admin") if known else {}
        reply = await running.client.post(path, content=body, headers={"content-type": "application/json", **key})
    assert reply.status_code == (413 if known else 401)
    assert reply.json()["error"]["code"] == code
