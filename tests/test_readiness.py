"""Whether a process can serve: what makes it unready, what is only told, and that a probe costs little."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway import readiness
from gateway.access import KeyHasher, KeyRing
from gateway.journal import Journal
from gateway.providers.scripted import ScriptedConfig, ScriptedProvider
from gateway.readiness import Readiness
from gateway.shipper import Shipper
from gateway.snapshot import Snapshot, Snapshots
from gateway.store.engine import Store
from gateway.upstreams import Upstream
from tests.inside import inside

pytestmark = pytest.mark.anyio


class Counted(ScriptedProvider):
    """A scripted provider that counts how often it was looked at."""

    def __init__(self, down: bool = False) -> None:
        super().__init__(ScriptedConfig(down=down))
        self.looks = 0

    async def check(self) -> None:
        self.looks += 1
        await super().check()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal", 4096)) as opened:
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{tmp_path / 'sluice.db'}")) as opened:
        yield opened


def over(store: Store, journal: Journal, fault: str | None = None, **providers: ScriptedProvider) -> Readiness:
    upstreams = {name: Upstream(name, "scripted", "m", provider) for name, provider in providers.items()}
    snapshot = Snapshot("d", 1, 0, KeyRing(KeyHasher(b"p"), {}), {}, upstreams, {}, {})
    shipper = Shipper(journal, Path("/nowhere"), store)
    shipper.fault = fault
    return Readiness(store, shipper, journal, Snapshots(snapshot), {})


async def test_all_is_well(store: Store, journal: Journal) -> None:
    state = await over(store, journal, a=Counted()).check()
    assert state.as_json() == {"status": "ready", "faults": {}}


async def test_without_upstreams_it_is_ready(store: Store, journal: Journal) -> None:
    assert (await over(store, journal).check()).ready


async def test_one_upstream_down_is_told_and_does_not_take_the_process_out(store: Store, journal: Journal) -> None:
    state = await over(store, journal, a=Counted(), b=Counted(down=True)).check()
    assert state.ready
    assert list(state.faults) == ["upstream b"]


async def test_with_every_upstream_down_it_is_not_ready(store: Store, journal: Journal) -> None:
    state = await over(store, journal, a=Counted(down=True), b=Counted(down=True)).check()
    assert state.as_json()["status"] == "not ready"
    assert set(state.faults) == {"upstream a", "upstream b"}


async def test_with_a_dead_database_it_is_not_ready(journal: Journal, tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")) as dead:
        state = await over(dead, journal, a=Counted()).check()
    assert not state.ready
    assert "does not answer" in state.faults["database"]


async def test_when_no_record_could_be_kept_it_is_not_ready(store: Store, tmp_path: Path) -> None:
    """No disk has room for such a segment."""
    with closing(Journal(tmp_path / "journal", 1 << 60)) as full:
        state = await over(store, full, a=Counted()).check()
    assert not state.ready
    assert "no room for records" in state.faults["journal"]


async def test_records_that_wait_are_told_and_do_not_take_the_process_out(store: Store, journal: Journal) -> None:
    state = await over(store, journal, fault="The disk is full.", a=Counted()).check()
    assert state.ready
    assert state.faults == {"records": "They wait in the journal. The disk is full."}


async def test_an_answer_is_used_again_while_it_is_fresh(
    store: Store, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Counted()
    probed = over(store, journal, a=looked)
    monkeypatch.setattr(readiness, "FRESH", 3600.0)
    assert await probed.check() is await probed.check()
    assert looked.looks == 1
    monkeypatch.setattr(readiness, "FRESH", -1.0)
    await probed.check()
    assert looked.looks == 2


async def test_what_does_not_answer_is_not_waited_for(
    store: Store, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(Counted):
        async def check(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(readiness, "PATIENCE", 0.05)
    state = await over(store, journal, a=Silent(), b=Counted()).check()
    assert state.ready
    assert state.faults == {"upstream a": "No answer in 0.05 s."}


async def test_the_probe_tells_it_by_its_status(tmp_path: Path) -> None:
    for down, status in ((False, 200), (True, 503)):
        folder = tmp_path / str(down)
        folder.mkdir()
        async with inside(folder, upstreams={"demo": {"provider": "scripted", "down": down}}) as running:
            reply = await running.client.get("/readyz")
            assert reply.status_code == status
            assert reply.json()["status"] == ("not ready" if down else "ready")
            assert (await running.client.get("/healthz")).status_code == 200
