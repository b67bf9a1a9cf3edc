"""The shipper: every record that was journalled comes into the database exactly once, whoever is killed meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from gateway.errors import Unavailable
from gateway.journal import Journal, segments
from gateway.record import CallRecord
from gateway.shipper import Shipper
from gateway.store import search, spend
from gateway.store.engine import Store
from gateway.store.migrations import migrate
from gateway.store.tables.calls import shipped as shipped_table
from tests.running import running_gateway
from tests.waiting import until

SMALL = 4096
SHIPPER = """
import sys
from pathlib import Path
from gateway import shipper
from gateway.journal import Journal
from gateway.store.engine import Store

shipper.BATCH = 7
folder = Path(sys.argv[1])
store = Store(sys.argv[2])
own = Journal(folder.with_name("own"), 4096)
shipper.Shipper(own, folder, store, [lambda batch: print(len(batch), flush=True)]).ship()
"""
"""Ships in small batches, and says so after each."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'sluice.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    made = Store(url)
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    made = Journal(folder, SMALL)
    yield made
    made.close()


def record(number: int) -> CallRecord:
    return CallRecord(id=f"req_{number}", started=number, surface="chat", status=200, key_id="key_1", cost=1)


def left_behind(folder: Path, numbers: range) -> None:
    """Segments of a process that has died."""
    journal = Journal(folder, SMALL)
    for number in numbers:
        journal.append(record(number))
    journal.close()


def shipped(store: Store) -> list[int]:
    """The numbers of the records in the database, in order."""
    with store.begin() as connection:
        return sorted(found.started for found in search.recent(connection, search.Filter(limit=1_000_000)))


def spoil(segment: Path, at: int) -> None:
    spoiled = bytearray(segment.read_bytes())
    spoiled[at] ^= 1
    segment.write_bytes(spoiled)


def test_records_of_this_process_ship_as_they_come(journal: Journal, folder: Path, store: Store) -> None:
    shipper = Shipper(journal, folder, store)
    for number in range(200):
        journal.append(record(number))
        if number % 7 == 0:
            shipper.ship()
            assert shipped(store) == list(range(number + 1))
            assert shipper.backlog_bytes == 0
    shipper.ship()
    shipper.ship()
    assert shipped(store) == list(range(200))
    assert shipper.shipped == 200
    assert segments(folder) == [journal.current]


def test_records_of_the_dead_ship_too_and_their_files_go(journal: Journal, folder: Path, store: Store) -> None:
    left_behind(folder, range(100))
    left_behind(folder, range(100, 150))
    Shipper(journal, folder, store).ship()
    assert shipped(store) == list(range(150))
    assert segments(folder) == [journal.current]


def test_what_another_living_process_writes_is_left_to_it(journal: Journal, folder: Path, store: Store) -> None:
    other = Journal(folder, SMALL)
    other.append(record(1))
    Shipper(journal, folder, store).ship()
    assert shipped(store) == []
    other.close()
    Shipper(journal, folder, store).ship()
    assert shipped(store) == [1]


def test_a_shipper_goes_on_where_the_one_before_it_stopped(journal: Journal, folder: Path, store: Store) -> None:
    for number in range(5):
        journal.append(record(number))
    Shipper(journal, folder, store).ship()
    journal.append(record(5))
    Shipper(journal, folder, store).ship()
    assert shipped(store) == list(range(6))


def test_what_an_observer_sees_is_in_the_database_and_what_it_raises_stops_nothing(
    journal: Journal, folder: Path, store: Store
) -> None:
    seen: list[int] = []

    def observe(batch: Sequence[CallRecord]) -> None:
        seen.extend(one.started for one in batch)
        assert set(seen) <= set(shipped(store))
        raise ValueError("a defect of the observer")

    left_behind(folder, range(100))
    Shipper(journal, folder, store, [observe]).ship()
    assert seen == shipped(store) == list(range(100))


# Killed --------------------------------------------------------------------------------------------------------------


def test_a_shipper_killed_again_and_again_ships_everything_once(folder: Path, store: Store, url: str) -> None:
    left_behind(folder, range(3000))
    killed = 0
    while segments(folder):
        command = [sys.executable, "-c", SHIPPER, str(folder), url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            killed += 1
            for _ in range(40 * killed):
                process.stdout.readline()
            process.kill()
    assert killed > 1
    assert shipped(store) == list(range(3000))
    with store.begin() as connection:
        (spent,) = spend.usage(connection, "key", 0, 1)
    assert (spent.name, spent.calls, spent.cost) == ("key_1", 3000, 3000)


def test_a_gateway_killed_under_load_loses_no_call_that_was_answered(tmp_path: Path) -> None:
    answered: list[str] = []
    body = {"model": "demo", "messages": [{"role": "user", "content": "hello"}]}
    enough = threading.Event()
    with running_gateway(tmp_path, {"demo": {"provider": "scripted"}}) as gateway:

        def ask() -> None:
            with httpx.Client(headers=gateway.headers) as client, suppress(httpx.TransportError):
                while True:
                    answered.append(client.post(f"{gateway.api}/chat/completions", json=body).headers["x-request-id"])
                    if len(answered) >= 300:
                        enough.set()

        clients = [threading.Thread(target=ask) for _ in range(3)]
        for client in clients:
            client.start()
        enough.wait()
        gateway.process.kill()
        for client in clients:
            client.join()
    data = tmp_path / "data"
    store, journal = Store(f"sqlite:///{data / 'sluice.db'}"), Journal(tmp_path / "empty")
    Shipper(journal, data / "journal", store).ship()
    with store.begin() as connection:
        ids = Counter(found.id for found in search.recent(connection, search.Filter(limit=100_000)))
    journal.close()
    store.close()
    assert set(answered) <= ids.keys()
    assert set(ids.values()) == {1}
    assert len(ids) <= len(answered) + 3  # those that were being answered


# Damage --------------------------------------------------------------------------------------------------------------


def test_a_damaged_segment_is_shipped_up_to_the_damage_counted_and_set_aside(
    journal: Journal, folder: Path, store: Store
) -> None:
    left_behind(folder, range(10))
    damaged = segments(folder)[-1]
    spoil(damaged, damaged.read_bytes().index(b"req_5"))
    left_behind(folder, range(10, 20))
    shipper = Shipper(journal, folder, store)
    shipper.ship()
    assert shipped(store) == [*range(5), *range(10, 20)]
    assert shipper.damaged == 1
    assert segments(folder) == [journal.current]
    assert damaged.with_name(f"{damaged.name}.damaged").exists()
    shipper.ship()
    assert shipper.damaged == 1


# The database is away ------------------------------------------------------------------------------------------------


def test_records_wait_while_the_database_is_away(journal: Journal, folder: Path, tmp_path: Path) -> None:
    away = tmp_path / "mounted"
    store = Store(f"sqlite:///{away / 'sluice.db'}")
    shipper = Shipper(journal, folder, store)
    left_behind(folder, range(10))
    journal.append(record(10))
    for _ in range(3):
        with pytest.raises(Unavailable, match="does not answer"):
            shipper.ship()
    assert shipper.backlog_bytes == journal.position
    away.mkdir()
    migrate(store)
    shipper.ship()
    assert shipped(store) == list(range(11))
    assert shipper.backlog_bytes == 0
    store.close()


def test_a_database_that_fails_just_when_a_segment_is_done_holds_up_nothing(
    journal: Journal, folder: Path, store: Store
) -> None:
    """As a full disk does, which has no room for the note that the file is gone."""
    for number in range(100):
        journal.append(record(number))
    assert len(journal.held) > 1
    shipper = Shipper(journal, folder, store)
    with store.begin() as connection:
        connection.execute(
            text("CREATE TRIGGER fails BEFORE DELETE ON shipped BEGIN SELECT RAISE(ABORT, 'no room'); END")
        )
    with pytest.raises(IntegrityError):
        shipper.ship()
    with store.begin() as connection:
        connection.execute(text("DROP TRIGGER fails"))
    journal.append(record(100))
    shipper.ship()
    assert shipped(store) == list(range(101))
    assert segments(folder) == [journal.current]
    with store.begin() as connection:
        assert connection.execute(select(shipped_table.c.segment)).scalars().all() == [segments(folder)[0].name]


@pytest.mark.anyio
async def test_the_loop_outlives_a_database_that_is_away(
    journal: Journal, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.shipper.EVERY", 0.01)
    away = tmp_path / "mounted"
    store = Store(f"sqlite:///{away / 'sluice.db'}")
    shipper = Shipper(journal, folder, store)
    journal.append(record(1))
    loop = asyncio.create_task(shipper.run())
    await until(lambda: shipper.failures >= 3)
    away.mkdir()
    migrate(store)
    await until(lambda: shipper.shipped == 1)
    journal.append(record(2))
    await until(lambda: shipper.shipped == 2)
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop
    assert shipped(store) == [1, 2]
    store.close()


@pytest.mark.anyio
async def test_a_defect_that_holds_records_up_is_a_fault_until_they_are_shipped(
    journal: Journal, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.shipper.EVERY", 0.01)
    with store.begin() as connection:
        connection.execute(text("CREATE TRIGGER fails BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'a bug'); END"))
    shipper = Shipper(journal, folder, store)
    journal.append(record(1))
    loop = asyncio.create_task(shipper.run())
    await until(lambda: shipper.fault is not None and "defect" in shipper.fault)
    with store.begin() as connection:
        connection.execute(text("DROP TRIGGER fails"))
    await until(lambda: shipper.fault is None and shipped(store) == [1])
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop


@pytest.mark.anyio
async def test_the_last_pass_ships_what_is_there_and_gives_up_quietly(
    journal: Journal, folder: Path, store: Store, tmp_path: Path
) -> None:
    journal.append(record(1))
    journal.close()
    nowhere = Store(f"sqlite:///{tmp_path / 'nowhere' / 'sluice.db'}")
    await Shipper(journal, folder, nowhere).drain()
    assert len(segments(folder)) == 1
    await Shipper(journal, folder, store).drain()
    assert shipped(store) == [1]
    assert segments(folder) == []
    nowhere.close()
