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
    os.write(1, b"0\\n")
    sys.stdin.readline()
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
"""Says that it is there. Once it is told to go it takes all it can, and says after each trade how much it has."""
ROUNDS = 20
"""The one that is killed may have taken most before it dies, or nothing; then there is another round."""


def test_processes_take_all_there_is_and_no_more_and_one_killed_breaks_nothing(tmp_path: Path) -> None:
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        first, *others = killing_the_first(folder)
        assert first + sum(others) <= SIZE
        with closing(sqlite3.connect(folder / "state.db")) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if 0 < first < SIZE / 3:
            assert sum(others) > SIZE / 2
            return
    pytest.fail(f"in none of {ROUNDS} rounds one was killed in the middle of it")


def killing_the_first(folder: Path) -> list[int]:
    """What each of three took, as far as it said so. All are there before any may go."""
    command = [sys.executable, "-c", WORKER, str(folder)]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen([*command, f"w{number}"], stdin=pipe, stdout=pipe) for number in range(3)]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    heard = [worker.stdout for worker in workers if worker.stdout is not None]
    began = heard[0].readline()
    workers[0].kill()
    said = [pipe.read() for pipe in heard]  # what was read ahead with the line, too
    said[0] = began + said[0]
    for worker in workers:
        worker.communicate(timeout=50)
    return [int(lines.split()[-1]) if lines else 0 for lines in said]


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
