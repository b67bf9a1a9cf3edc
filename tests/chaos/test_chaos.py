"""Bad days at a reduced size: the experiments of `benchmarks/chaos`, and that nothing they promise is broken."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.chaos.__main__ import EXPERIMENTS

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short name: a socket of PostgreSQL's lies in it."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as made:
        yield Path(made)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", EXPERIMENTS)
async def test_what_is_promised_is_kept(name: str, folder: Path) -> None:
    finding = await EXPERIMENTS[name](folder, False)
    assert finding.broken == []
    assert finding.figures
