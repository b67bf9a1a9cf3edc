"""What the ASGI front holds off before anything behind it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.wire.body import MAX_REQUEST_BYTES
from tests.inside import inside

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("path", "over"), [("/admin/keys", 1), ("/admin/apply", 1), ("/admin/keys", 0)])
async def test_the_admin_api_reads_no_body_without_bounds(tmp_path: Path, path: str, over: int) -> None:
    async with inside(tmp_path) as running:
        body = b'"%b"' % (b"x" * (MAX_REQUEST_BYTES - 2 + over))
        reply = await running.client.post(path, content=body, headers={"content-type": "application/json"})
    assert reply.status_code == (413 if over else 401)
    assert reply.json()["error"]["code"] == ("request_too_large" if over else "missing_api_key")
