"""What a process is made of ends with it, also where it never came to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app import running
from gateway.errors import GatewayError
from gateway.settings import Settings

pytestmark = pytest.mark.anyio


def opened(folder: Path) -> list[Path]:
    """The files in it that this process has open."""
    files = [descriptor.resolve() for descriptor in Path("/proc/self/fd").iterdir()]
    return [file for file in files if file.is_relative_to(folder)]


@pytest.mark.parametrize(
    "unusable",
    [
        {"state": {"url": "redis://host:no-port/0"}},
        {"upstreams": {"claude": {"provider": "openai", "model": "m", "api_key": "file:/no/such/secret"}}},
    ],
    ids=lambda settings: next(iter(settings)),
)
async def test_a_start_that_fails_leaves_nothing_open(unusable: dict[str, object], tmp_path: Path) -> None:
    settings = Settings.model_validate({"data": tmp_path, "upstreams": {}, **unusable})
    with pytest.raises(GatewayError):
        async with running(settings):
            raise AssertionError("it started")
    assert opened(tmp_path) == []
