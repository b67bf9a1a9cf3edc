"""A gateway in front of an upstream that the test holds in its hands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.upstream import ScriptedUpstream, scripted_upstream
from tests.running import Gateway, running_gateway


@pytest.fixture(scope="session")
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted_upstream() as started:
        yield started


@pytest.fixture(scope="session")
def relay(upstream: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose `demo` is `upstream`."""
    demo = {"provider": "openai", "model": "m", "base_url": upstream.url}
    with running_gateway(tmp_path_factory.mktemp("relay"), {"demo": demo}) as started:
        yield started
