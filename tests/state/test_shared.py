"""The file that the processes of one machine share: killed half-way, held up, or no file at all."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import Unavailable
from gateway.state.base import Stake, Trade
from gateway.state.shared import SharedState

pytestmark = pytest.mark.anyio

SIZE = 3000
UNTIL = 4_000_000_000
WORKER = f"""
import asyncio, os, sys
from pathlib import Path
from gateway.state.base import Stake, Trade
from gateway.state.shared import SharedState

async def main():
    state, taken, number, seen = SharedState(Path(sys.argv[1]), timeout=10), 0, 0, ("", 0)
    while True:
        number += 1
        stakes = [Stake("p", {SIZE}, {UNTIL}, taken, 1, 1)]
        deal = await state.trade(Trade(sys.argv[2], number, *seen, stakes))
        seen = (deal.epoch, deal.count)
        if not deal.grants[0]:
            break
        taken += deal.grants[0]
        os.write(1, b"%d\\n" % taken)

asyncio.run(main())
"""
"""Takes all it can, and says after each trade how much it has."""


def test_processes_take_all_there_is_and_no_more_and_one_killed_breaks_nothing(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), f"w{number}"], stdout=subprocess.PIPE)
        for number in range(3)
    ]
    killed = workers[0]
    assert killed.stdout is not None
    killed.stdout.readline()
    killed.kill()
    taken = []
    for worker in workers:
        said, _ = worker.communicate(timeout=50)
        taken.append(int(said.split()[-1]) if said else 0)
    assert sum(taken) <= SIZE
    with closing(sqlite3.connect(tmp_path / "state.db")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert taken[1] + taken[2] > SIZE / 2


async def test_a_file_that_another_holds_for_long_is_away(tmp_path: Path) -> None:
    state = SharedState(tmp_path, timeout=0.05)
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="cannot be used: database is locked") as refused:
            await state.trade(Trade("r", 1, "", 0, []))
        assert refused.value.code == "state_unavailable"
        other.execute("ROLLBACK")
    assert (await state.trade(Trade("r", 2, "", 0, []))).count == 1
    await state.close()


async def test_what_was_not_finished_is_not_kept(tmp_path: Path) -> None:
    state = SharedState(tmp_path)
    with pytest.raises(Unavailable):
        await state.put("v", b"x", float("nan"))  # refused by the file after the transaction began
    assert await state.get("v") is None
    await state.put("v", b"x", 60)
    assert await state.get("v") == b"x"
    await state.close()


async def test_pools_that_are_over_are_swept(tmp_path: Path) -> None:
    state = SharedState(tmp_path)
    await state.trade(Trade("r", 1, "", 0, [Stake("old", 10, 1_000, 5)]))
    other = SharedState(tmp_path)
    await other.trade(Trade("s", 1, "", 0, [Stake("new", 10, UNTIL, 5)]))
    with closing(sqlite3.connect(tmp_path / "state.db")) as file:
        assert file.execute("SELECT name FROM pools").fetchall() == [("new",)]
    await state.close()
    await other.close()
