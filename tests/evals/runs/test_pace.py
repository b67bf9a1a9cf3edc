from __future__ import annotations

import asyncio

import pytest

from evals.runs.pace import Pace

pytestmark = pytest.mark.anyio


async def test_requests_are_spread_evenly() -> None:
    pace, loop = Pace(per_minute=60_000), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(pace.turn() for _ in range(50)))
    assert loop.time() - began >= 0.049 - 0.001


async def test_nobody_asks_before_the_target_said() -> None:
    pace, loop = Pace(), asyncio.get_running_loop()
    began = loop.time()
    await pace.turn()
    pace.hold(0.02)
    await asyncio.gather(pace.turn(), pace.turn())
    assert loop.time() - began >= 0.019
