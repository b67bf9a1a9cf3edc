"""Another configuration in place of the one in force: whole or not at all, and what tells that a file has changed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway import reload
from gateway.access import KeyHasher
from gateway.configuration import Source
from gateway.errors import Conflict
from gateway.faults import BadSettings
from gateway.pricing import PriceTable
from gateway.providers.build import Builder
from gateway.providers.fleet import Changes, Fleet
from gateway.refresh import Refresher
from gateway.releases.apply import apply
from gateway.releases.manifest import parse
from gateway.reload import Look, Reloader, Watch
from gateway.store.engine import Store
from guardrails.models.local import LocalModels
from tests.proving import ADA, SIGNER, installation
from tests.waiting import until

SCRIPTED = {"provider": "scripted"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sluicegate.yaml"
    write(path, upstreams={"a": SCRIPTED})
    return path


@pytest.fixture
async def reloader(file: Path, store: Store) -> AsyncIterator[Reloader]:
    async with reloading(Source(file), store) as started:
        yield started


@asynccontextmanager
async def reloading(source: Source, store: Store) -> AsyncIterator[Reloader]:
    settings = source.load()
    fleet = Fleet(Builder(PriceTable("v", {})))
    fleet.configure(settings)
    hasher, models = KeyHasher(b"pepper"), LocalModels()
    yield Reloader(source, settings, fleet, Refresher(store, hasher, SIGNER, fleet.upstreams, fleet.pools, models))
    await fleet.close()


@asynccontextmanager
async def running(reloader: Reloader) -> AsyncIterator[None]:
    """Its loop runs, and has looked at the files as they are."""
    looks = asyncio.create_task(reloader.run())
    try:
        await asyncio.sleep(0.1)
        yield
    finally:
        looks.cancel()
        await asyncio.wait([looks])


def write(path: Path, **content: Any) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def replace_alike(path: Path, **content: Any) -> None:
    """By a file of the same size and time, as a tool would that keeps times."""
    stamp, other = path.stat(), path.with_name("other.yaml")
    write(other, **content)
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert (other.stat().st_size, other.stat().st_mtime_ns) == (stamp.st_size, stamp.st_mtime_ns)
    other.replace(path)


def remove(path: Path) -> None:
    path.unlink()


def names(reloader: Reloader) -> set[str]:
    return set(reloader._refresher.snapshots.current.upstreams)


# What a reload does --------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_what_changed_is_in_force(reloader: Reloader, file: Path) -> None:
    before = reloader._refresher.snapshots.current
    write(file, upstreams={"a": SCRIPTED, "b": SCRIPTED}, pools={"p": {"members": {"a": 1, "b": 1}}})
    assert await reloader.reload() == Changes(added=("b",))
    snapshot = reloader._refresher.snapshots.current
    assert set(snapshot.upstreams) == set(reloader.settings.upstreams) == {"a", "b"}
    assert set(snapshot.pools) == {"a", "b", "p"}
    assert snapshot.digest != before.digest
    assert snapshot.upstreams["a"] is before.upstreams["a"]
    assert set(before.upstreams) == {"a"}, "a call keeps the snapshot it began with"
    assert reloader.reloads == 1


@pytest.mark.anyio
async def test_a_changed_pool_alone_is_a_change(reloader: Reloader, file: Path) -> None:
    write(file, upstreams={"a": SCRIPTED}, pools={"p": {"members": {"a": 1}}})
    await reloader.reload()
    first = reloader._refresher.snapshots.current.digest
    write(file, upstreams={"a": SCRIPTED}, pools={"p": {"members": {"a": 1}, "retries": 3}})
    assert await reloader.reload() == Changes()
    assert reloader._refresher.snapshots.current.pools["p"].retries == 3
    assert reloader._refresher.snapshots.current.digest != first


@pytest.mark.anyio
async def test_without_a_change_nothing_is_swapped(reloader: Reloader) -> None:
    before, since = reloader._refresher.snapshots.current, reloader._refresher.snapshots.since
    assert await reloader.reload() == Changes()
    assert reloader._refresher.snapshots.current is before
    assert (reloader._refresher.snapshots.since, reloader.reloads) == (since, 0)


@pytest.mark.anyio
async def test_an_endpoint_serves_again_when_its_upstream_is_back(reloader: Reloader, file: Path, store: Store) -> None:
    with store.begin() as connection:
        apply(connection, parse("endpoints: {bot: {upstream: a}}", "m"), installation({"a"}), ADA)
    await reloader._refresher.refresh()
    write(file, upstreams={"b": SCRIPTED})
    await reloader.reload()
    assert set(reloader._refresher.snapshots.current.broken) == {"bot"}
    write(file, upstreams={"a": SCRIPTED})
    await reloader.reload()
    assert set(reloader._refresher.snapshots.current.endpoints) == {"bot"}


@pytest.mark.anyio
async def test_what_needs_a_restart_is_named_and_the_rest_is_in_force(
    reloader: Reloader, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = reloader.settings.server.host
    write(
        file,
        server={"host": "0.0.0.0", "workers": 3},
        data="elsewhere",
        secret="env:PEPPER",
        upstreams={"b": SCRIPTED},
    )
    for _ in range(2):
        await reloader.reload()
    assert names(reloader) == {"b"}
    assert reloader.waiting == ["server.host", "server.workers", "data", "secret"]
    assert reloader.settings.server.host == host
    assert len(caplog.records) == 1, "told once"
    write(file, upstreams={"b": SCRIPTED})
    await reloader.reload()
    assert reloader.waiting == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"upstreams": {"a": {"provider": "scripted", "dwn": True}}}, 4),
        ({"upstreams": {"b": {"provider": "openai", "model": "m", "api_key": "env:SLUICEGATE_NO_SUCH_VARIABLE"}}}, 2),
        ({"upstreams": {"a": SCRIPTED}, "pools": {"p": {"members": {"b": 1}}}}, 4),
    ],
)
async def test_a_bad_file_changes_nothing_and_says_why_once(
    reloader: Reloader, file: Path, content: dict[str, Any], line: int, caplog: pytest.LogCaptureFixture
) -> None:
    before, settings = reloader._refresher.snapshots.current, reloader.settings
    write(file, **content)
    for _ in range(2):
        with pytest.raises(BadSettings) as refused:
            await reloader.reload()
    assert reloader.fault == refused.value.message
    assert [fault.line for fault in refused.value.faults] == [line]
    assert f"{file}:{line}: " in reloader.fault
    assert reloader._refresher.snapshots.current is before
    assert reloader.settings is settings
    assert reloader.refusals == 2
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    write(file, upstreams={"a": SCRIPTED})
    await reloader.reload()
    assert reloader.fault is None


@pytest.mark.anyio
async def test_settings_that_came_from_nowhere_cannot_be_loaded_again(reloader: Reloader) -> None:
    without = Reloader(None, reloader.settings, reloader._fleet, reloader._refresher)
    with pytest.raises(Conflict):
        await without.reload()


# When to load again --------------------------------------------------------------------------------------------------

ONE: Look = ((1, 1, 1, 1),)
TWO: Look = ((1, 2, 1, 1), None)


@pytest.mark.parametrize(
    ("looks", "due"),
    [
        ([ONE, ONE, ONE], [False, True, False]),
        ([ONE, ONE, TWO, TWO, TWO], [False, True, False, True, False]),
        ([ONE, ONE, TWO, ONE, ONE], [False, True, False, False, False]),
        ([ONE, ONE, TWO, TWO, ONE, ONE], [False, True, False, True, False, True]),
    ],
)
def test_a_change_is_due_once_it_has_stayed_for_a_look(looks: list[Look], due: list[bool]) -> None:
    watch = Watch()
    assert [watch.due(look, asked=False) for look in looks] == due


@given(st.lists(st.integers(0, 9), min_size=2).filter(lambda sizes: all(a != b for a, b in pairwise(sizes))))
def test_what_is_still_being_written_is_not_due(sizes: list[int]) -> None:
    watch = Watch()
    assert not any(watch.due(((1, 1, size, 1),), asked=False) for size in sizes)


def test_who_asks_is_not_kept_waiting_and_what_was_loaded_is_not_loaded_again() -> None:
    watch = Watch()
    assert [watch.due(TWO, asked=True), watch.due(TWO, asked=False), watch.due(TWO, asked=True)] == [True, False, True]


# What makes it reload ------------------------------------------------------------------------------------------------


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "EVERY", 0.02)


@pytest.mark.anyio
@pytest.mark.usefixtures("often")
async def test_a_file_written_in_place_is_noticed(reloader: Reloader, file: Path) -> None:
    async with running(reloader):
        write(file, upstreams={"b": SCRIPTED})
        await until(lambda: names(reloader) == {"b"})


@pytest.mark.anyio
@pytest.mark.usefixtures("often")
async def test_a_file_replaced_by_another_of_the_same_time_and_size_is_noticed(reloader: Reloader, file: Path) -> None:
    async with running(reloader):
        replace_alike(file, upstreams={"b": SCRIPTED})
        await until(lambda: names(reloader) == {"b"})


@pytest.mark.anyio
@pytest.mark.usefixtures("often")
async def test_a_swapped_symlink_is_noticed(tmp_path: Path, store: Store) -> None:
    """As Kubernetes mounts a config map: the file is a link through `..data`, which is a link that is swapped."""
    for version, name in (("v1", "a"), ("v2", "b")):
        (tmp_path / version).mkdir()
        write(tmp_path / version / "sluicegate.yaml", upstreams={name: SCRIPTED})
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "mounted.yaml").symlink_to("..data/sluicegate.yaml")
    async with reloading(Source(tmp_path / "mounted.yaml"), store) as reloader, running(reloader):
        assert names(reloader) == {"a"}
        (tmp_path / "..data_tmp").symlink_to("v2")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        await until(lambda: names(reloader) == {"b"})


@pytest.mark.anyio
@pytest.mark.usefixtures("often")
async def test_a_rotated_secret_is_noticed_and_one_that_comes_late_too(
    reloader: Reloader, file: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    async with running(reloader):
        write(file, upstreams={"a": {"provider": "openai", "model": "m", "api_key": f"file:{key}"}})
        await until(lambda: reloader.fault is not None)
        assert str(key) in str(reloader.fault)
        key.write_text("one")
        await until(lambda: reloader.reloads == 1)
        assert reloader.fault is None
        key.write_text("another")
        await until(lambda: reloader.reloads == 2)


@pytest.mark.anyio
@pytest.mark.usefixtures("often")
async def test_a_file_that_went_away_is_a_fault_and_its_return_is_noticed(reloader: Reloader, file: Path) -> None:
    async with running(reloader):
        remove(file)
        await until(lambda: reloader.fault is not None)
        assert names(reloader) == {"a"}
        write(file, upstreams={"b": SCRIPTED})
        await until(lambda: names(reloader) == {"b"})


@pytest.mark.anyio
async def test_sighup_is_obeyed_at_once(reloader: Reloader, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "EVERY", 3600.0)
    before = signal.getsignal(signal.SIGHUP)
    async with running(reloader):
        write(file, upstreams={"b": SCRIPTED})
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: names(reloader) == {"b"})
    assert signal.getsignal(signal.SIGHUP) is before
