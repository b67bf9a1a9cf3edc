"""Transactions: whole or not at all, one writer after the other, and every way to fail said with the next step."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from gateway.errors import GatewayError, Unavailable
from gateway.store import catalogue
from gateway.store.engine import Store
from gateway.store.migrations import STEPS, migrate

WRITERS = 4
WRITES = 25


def half_way(store: Store, error: BaseException) -> None:
    with store.begin() as connection:
        catalogue.move_revision(connection)
        raise error


def move_on(store: Store) -> None:
    with store.begin() as connection:
        catalogue.move_revision(connection)


def revision(store: Store) -> int:
    with store.begin() as connection:
        return catalogue.revision(connection)


def refusal(work: Callable[[], object]) -> GatewayError:
    with pytest.raises(Unavailable) as caught:
        work()
    return caught.value


@pytest.mark.parametrize("error", [Unavailable("stop"), ValueError("stop"), KeyboardInterrupt("stop")])
def test_what_is_raised_half_way_undoes_everything(store: Store, error: BaseException) -> None:
    with pytest.raises(type(error), match="stop"):
        half_way(store, error)
    assert revision(store) == 1


def test_writers_wait_for_each_other_and_lose_nothing(store: Store) -> None:
    def move() -> None:
        for _ in range(WRITES):
            with store.begin() as connection:
                catalogue.move_revision(connection)

    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(move) for _ in range(WRITERS)]:
            done.result()
    assert revision(store) == 1 + WRITERS * WRITES


def test_processes_that_start_together_take_each_step_once(url: str) -> None:
    def start() -> list[str]:
        with closing(Store(url)) as opened:
            return migrate(opened)

    with ThreadPoolExecutor(WRITERS) as pool:
        taken = [done.result() for done in [pool.submit(start) for _ in range(WRITERS)]]
    *idle, busy = sorted(taken, key=len)
    assert idle == [[]] * (WRITERS - 1)
    assert {step.__name__ for step in STEPS} < set(busy)
    assert len(busy) == len(set(busy))


def test_what_is_read_is_of_one_moment_while_others_write(store: Store) -> None:
    with store.reading() as connection:
        before = catalogue.revision(connection)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(move_on, store).result()
        assert catalogue.revision(connection) == before
    assert revision(store) == before + 1


def test_what_is_written_is_there_after_closing(url: str) -> None:
    with closing(Store(url)) as first:
        migrate(first)
        with first.begin() as connection:
            catalogue.move_revision(connection)
    with closing(Store(url)) as second:
        assert revision(second) == 2
        second.ping()


@pytest.mark.parametrize("url", ["nonsense", "", "nobody://x", "sqlite+nobody:///x"])
def test_a_url_that_cannot_be_used_is_refused_with_one_that_can(url: str) -> None:
    error = refusal(lambda: Store(url))
    assert error.code == "bad_database"
    assert "sqlite:///path" in error.message


def test_a_password_is_never_shown() -> None:
    with closing(Store("postgresql+psycopg://ada:geheim@127.0.0.1:9/x")) as store:
        assert "geheim" not in store.shown_url
        assert "geheim" not in refusal(store.ping).message


# SQLite's own ways to fail -------------------------------------------------------------------------------------------


def sqlite(path: Path) -> Store:
    return Store(f"sqlite:///{path}")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with closing(sqlite(tmp_path / "away" / "sluice.db")) as store:
        error = refusal(store.ping)
    assert error.code == "database_unavailable"
    assert "the path writable" in error.message


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "sluice.db").write_bytes(b"no database" * 500)
    with closing(sqlite(tmp_path / "sluice.db")) as store:
        error = refusal(store.ping)
    assert error.code == "database_corrupt"
    assert "Restore it" in error.message


def test_a_writer_that_never_ends_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.engine.BUSY_MS", 50)
    path = tmp_path / "sluice.db"
    with closing(sqlite(path)) as first, closing(sqlite(path)) as second, first.begin():
        assert refusal(second.ping).code == "database_unavailable"
