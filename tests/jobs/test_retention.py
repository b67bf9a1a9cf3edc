"""The job: whole passes in short steps, by one process at a time, and it outlives what goes wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.errors import Conflict
from gateway.jobs import retention as job
from gateway.jobs.retention import Due, Retention, Sweep
from gateway.record import CallRecord
from gateway.store import calls, leases, search
from gateway.store.engine import Store
from gateway.store.migrations import migrate
from gateway.store.search import Filter
from tests.waiting import until

DAY = 86_400
AGES = {"calls": 90 * DAY}


def fill(store: Store, old: int, new: int) -> None:
    now = time.time_ns()
    started = [now - 91 * DAY * 10**9 + n for n in range(old)] + [now - DAY * 10**9 + n for n in range(new)]
    with store.begin() as connection:
        calls.ship(connection, "one", 1, [CallRecord(f"req_{at}", at, "chat", 200) for at in started])


def kept(store: Store) -> int:
    with store.begin() as connection:
        return len(search.recent(connection, Filter(limit=100_000)))


def test_a_pass_goes_through_everything_old_in_steps(store: Store) -> None:
    fill(store, 1234, 5)
    sweep = Sweep(store, AGES)
    assert sweep.due() == [Due("calls", 1234, 0)]
    steps = list(sweep.steps())
    assert len(steps) > 1
    assert sum(step.removed for step in steps) == 1234
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(step.rest > 0 for step in steps)
    assert kept(store) == 5
    assert list(sweep.steps()) == []


def test_what_is_kept_for_ever_is_not_looked_at(store: Store) -> None:
    fill(store, 3, 0)
    assert Sweep(store, {}).due() == list(Sweep(store, {}).steps()) == []
    assert kept(store) == 3


def test_one_at_a_time(store: Store) -> None:
    fill(store, 1000, 0)
    first, second = Sweep(store, AGES).steps(), Sweep(store, AGES).steps()
    next(first)
    with pytest.raises(Conflict, match="Another process"):
        next(second)
    list(first)
    fill(store, 1, 0)
    assert [step.removed for step in Sweep(store, AGES).steps()] == [1]


@pytest.mark.anyio
async def test_the_loop_sweeps_counts_and_outlives_a_dead_database(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "FIRST", 0.01)
    monkeypatch.setattr(job, "EVERY", 0.01)
    folder = tmp_path / "mounted"
    away = Store(f"sqlite:///{folder / 'sluice.db'}")
    retention = Retention(away, AGES)
    loop = asyncio.create_task(retention.run())
    await until(lambda: retention.failures >= 2)
    folder.mkdir()
    migrate(away)
    fill(away, 600, 2)
    await until(lambda: retention.removed["calls"] == 600)
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop
    assert kept(away) == 2
    gauges = retention.gauges()
    assert gauges["retention_removed_calls"][1] == 600
    assert gauges["retention_failures"][1] == retention.failures
    away.close()


@pytest.mark.anyio
async def test_the_loop_waits_while_another_process_has_the_lease(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "FIRST", 0.01)
    monkeypatch.setattr(job, "EVERY", 0.01)
    fill(store, 10, 0)
    with store.begin() as connection:
        leases.take(connection, job.LEASE, "another", 60)
    retention = Retention(store, AGES)
    passes = 0

    async def counted(sweep: Callable[[], object] = retention.sweep) -> None:
        nonlocal passes
        passes += 1
        await sweep()  # type: ignore[misc]

    monkeypatch.setattr(retention, "sweep", counted)
    loop = asyncio.create_task(retention.run())
    await until(lambda: passes >= 3)
    assert (retention.removed["calls"], retention.failures) == (0, 0)
    with store.begin() as connection:
        leases.give_back(connection, job.LEASE, "another")
    await until(lambda: retention.removed["calls"] == 10)
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop
