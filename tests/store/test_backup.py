"""Backups: what comes back is what was there, on either database, or nothing changes."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from sqlalchemy import func, insert, select

from gateway.errors import BadRequest, Conflict, GatewayError
from gateway.record import CallRecord
from gateway.releases.apply import apply
from gateway.releases.manifest import parse
from gateway.store import backup, calls, catalogue, contents, keys, responses
from gateway.store.backup import Manifest, check_of, opened, restore, tables, write
from gateway.store.contents import Content
from gateway.store.engine import Store
from gateway.store.keys import KeyRow
from gateway.store.migrations import migrate
from gateway.store.responses import StoredResponse
from gateway.store.tables.serving import endpoint_history, revision
from tests.proving import ADA, installation
from tests.store.conftest import STORES

SECRET = b"pepper"
MANIFEST = """
prompts: {greeter: {variables: {name: string}, messages: [{role: user, content: "Hi {{ name }} \u2603"}]}}
endpoints: {greeter: {prompt: greeter, upstream: demo, parameters: {temperature: 0.1}}, bot: {upstream: demo}}
"""
KEY = KeyRow(
    id="key_1",
    name="Ada's",
    digest="ab" * 32,
    hint="wxyz",
    roles=frozenset(("admin",)),
    endpoints=None,
    upstreams=frozenset(("demo",)),
    owner="ada",
    project=None,
    created=1.5,
    expires=None,
    revoked=None,
    rotated=None,
)


def nothing(table: str, done: int, total: int) -> None: ...


def fill(store: Store) -> None:
    records = [
        CallRecord(id=f"req_{n}", started=n, surface="chat", status=200, cost=2**53 + n, asked="größe ☃")
        for n in range(2500)
    ]
    response = StoredResponse("resp_1", "key_1", 1.0, "completed", {"id": "resp_1", "n": None}, [], None, 9e9)
    with store.begin() as connection:
        keys.add(connection, KEY)
        apply(connection, parse(MANIFEST, "m"), installation(["demo"]), ADA)
        calls.ship(connection, "segment-1", 77, records)
        responses.put(connection, response)
        contents.ship(connection, "segment-2", 7, [Content("req_1", 1, "{}", None, {"card": 1}, True)])


def everything(store: Store) -> dict[str, list[Any]]:
    """All rows but the revision's, which moves on with a restore."""
    with store.begin() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in tables()
            if table is not revision
        }


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store)
    return store


@pytest.fixture
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Makes an empty store of that name's kind."""
    made: list[Store] = []

    def make(name: str) -> Store:
        url = f"sqlite:///{tmp_path / f'{len(made)}.db'}" if name == "sqlite" else STORES[name](request)
        made.append(Store(url))
        migrate(made[-1])
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.mark.parametrize(("other", "name"), [("sqlite", "backup"), ("postgresql", "backup.tar")])
def test_what_comes_back_is_what_was_there(
    filled: Store, another: Callable[[str], Store], other: str, name: str, tmp_path: Path
) -> None:
    before = everything(filled)
    assert len(before["calls"]) == 2500
    steps: list[tuple[str, int, int]] = []
    write(filled, tmp_path / name, SECRET, False, lambda *step: steps.append(step))
    assert ("calls", 1000, 2500) in steps
    target = another(other)
    with opened(tmp_path / name) as found:
        restore(target, found, False, nothing)
    assert everything(target) == before
    with target.begin() as connection:
        assert [row.id for row in keys.list_all(connection)] == ["key_1"]
        assert catalogue.load(connection).endpoints[1].name == "greeter"
        assert calls.offset_of(connection, "segment-1") == 77


def test_there_and_back_again_is_the_same(another: Callable[[str], Store], tmp_path: Path) -> None:
    first, middle, last = another("sqlite"), another("postgresql"), another("sqlite")
    fill(first)
    for number, (source, target) in enumerate(((first, middle), (middle, last))):
        write(source, tmp_path / f"backup-{number}", SECRET, False, nothing)
        with opened(tmp_path / f"backup-{number}") as found:
            restore(target, found, False, nothing)
    assert everything(last) == everything(first)


def test_what_is_written_meanwhile_is_not_in_it_and_waits_for_nothing(filled: Store, tmp_path: Path) -> None:
    """The backup stands between two tables while another thread writes to both."""
    before = everything(filled)
    done = threading.Event()

    def meanwhile() -> None:
        with filled.begin() as connection:
            calls.ship(connection, "segment-3", 1, [CallRecord(id="late", started=1, surface="chat", status=200)])
            keys.revoke(connection, "key_1", 5.0)
            responses.remove(connection, "resp_1", "key_1")
        done.set()

    def progress(table: str, rows: int, total: int) -> None:
        if not done.is_set():
            writer = threading.Thread(target=meanwhile)
            writer.start()
            writer.join()

    write(filled, tmp_path / "backup", SECRET, False, progress)
    assert done.is_set()
    assert everything(filled) != before
    with opened(tmp_path / "backup") as found:
        restore(filled, found, True, nothing)
    assert everything(filled) == before


def test_a_restored_database_goes_on_counting(filled: Store, another: Callable[[str], Store], tmp_path: Path) -> None:
    write(filled, tmp_path / "backup", SECRET, False, nothing)
    for kind in STORES:
        target = another(kind)
        with target.begin() as connection:
            number = catalogue.revision(connection)
        with opened(tmp_path / "backup") as found:
            restore(target, found, False, nothing)
        with target.begin() as connection:
            highest = connection.execute(select(func.max(endpoint_history.c.id))).scalar_one()
            row = {"endpoint": "bot", "release": "r", "at": 1.0, "by": "b", "reason": "r"}
            made = connection.execute(insert(endpoint_history).values(row)).inserted_primary_key
            assert made is not None
            assert made[0] == highest + 1
            assert catalogue.revision(connection) > number


def test_text_that_only_sqlite_takes_is_made_to_fit(another: Callable[[str], Store], tmp_path: Path) -> None:
    source, target = another("sqlite"), another("postgresql")
    with source.begin() as connection:
        odd = CallRecord(id="odd", started=1, surface="chat", status=200, asked="a\0b", finish="x" * 70)
        calls.ship(connection, "segment", 1, [odd])
    write(source, tmp_path / "backup", SECRET, False, nothing)
    with opened(tmp_path / "backup") as found:
        restore(target, found, False, nothing)
    [row] = everything(target)["calls"]
    assert "a\ufffdb" in row
    assert "x" * 64 in row


# What is refused -----------------------------------------------------------------------------------------------------


def test_a_database_with_something_in_it_is_left_alone_unless_replaced(filled: Store, tmp_path: Path) -> None:
    write(filled, tmp_path / "backup", SECRET, False, nothing)
    before = everything(filled)
    with filled.begin() as connection:
        keys.revoke(connection, "key_1", 9.0)
    changed = everything(filled)
    assert changed != before
    with opened(tmp_path / "backup") as found:
        with pytest.raises(Conflict) as caught:
            restore(filled, found, False, nothing)
        assert caught.value.code == "database_not_empty"
        assert everything(filled) == changed
        restore(filled, found, True, nothing)
    assert everything(filled) == before


def test_a_restore_that_fails_half_way_changes_nothing(filled: Store, tmp_path: Path) -> None:
    write(filled, tmp_path / "backup", SECRET, False, nothing)
    with filled.begin() as connection:
        keys.revoke(connection, "key_1", 9.0)
    before = everything(filled)

    def fail(table: str, done: int, total: int) -> None:
        if table == "calls" and done == 2000:
            raise GatewayError("the power went")

    with opened(tmp_path / "backup") as found, pytest.raises(GatewayError, match="the power went"):
        restore(filled, found, True, fail)
    assert everything(filled) == before


def spoil_part(folder: Path) -> None:
    part = folder / "keys.jsonl"
    part.write_bytes(part.read_bytes().replace(b'"admin"', b'"owner"'))


def lose_part(folder: Path) -> None:
    (folder / "keys.jsonl").unlink()


def change_manifest(folder: Path, **changes: Any) -> None:
    path = folder / backup.MANIFEST
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **changes}))


def later_column(folder: Path) -> None:
    parts = orjson.loads((folder / backup.MANIFEST).read_bytes())["parts"]
    parts[1]["columns"][0] = "invented"
    change_manifest(folder, parts=parts)


def later_table(folder: Path) -> None:
    change_manifest(folder, parts=[{"table": "invented", "columns": [], "rows": 0, "sha256": ""}])


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_part,
        lose_part,
        later_column,
        later_table,
        lambda folder: change_manifest(folder, format=2),
        lambda folder: change_manifest(folder, parts=7),
        lambda folder: (folder / backup.MANIFEST).unlink(),
    ],
)
def test_a_backup_that_is_not_as_it_was_written_is_refused(
    another: Callable[[str], Store], spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    source, target = another("sqlite"), another("sqlite")
    fill(source)
    before = everything(target)
    write(source, tmp_path / "backup", SECRET, False, nothing)
    spoil(tmp_path / "backup")
    with pytest.raises(BadRequest) as caught, opened(tmp_path / "backup") as found:
        restore(target, found, False, nothing)
    assert caught.value.code == "invalid_backup"
    assert everything(target) == before


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_what_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.tar").write_bytes(content)
    for source in (tmp_path / "file.tar", tmp_path / "nowhere", tmp_path):
        with pytest.raises(BadRequest) as caught, opened(source):
            pass
        assert caught.value.code == "invalid_backup"


def test_nothing_is_written_over(another: Callable[[str], Store], tmp_path: Path) -> None:
    source = another("sqlite")
    (tmp_path / "there.tar").touch()
    with pytest.raises(Conflict):
        write(source, tmp_path / "there.tar", SECRET, False, nothing)
    (tmp_path / "backup.partial").mkdir()
    with pytest.raises(Conflict):
        write(source, tmp_path / "backup", SECRET, False, nothing)
    assert not (tmp_path / "backup").exists()


def test_a_backup_that_fails_leaves_nothing_behind(another: Callable[[str], Store], tmp_path: Path) -> None:
    source = another("sqlite")
    fill(source)

    def fail(table: str, done: int, total: int) -> None:
        raise GatewayError("the disk is full")

    with pytest.raises(GatewayError, match="full"):
        write(source, tmp_path / "made" / "backup", SECRET, False, fail)
    assert list((tmp_path / "made").iterdir()) == []


# The secret, and who may read it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_the_secret_is_in_it_only_where_it_was_asked_for(
    another: Callable[[str], Store], tmp_path: Path, name: str
) -> None:
    source = another("sqlite")
    for wanted in (False, True):
        target = tmp_path / str(wanted) / name
        made = write(source, target, SECRET, wanted, nothing)
        files = [target] if target.is_file() else [target, *target.iterdir()]
        assert all(file.stat().st_mode & 0o077 == 0 for file in files)
        assert any(SECRET in file.read_bytes() for file in files if file.is_file()) is wanted
        with opened(target) as found:
            assert found.secret() == (SECRET if wanted else None)
            assert found.manifest == made
        assert made.secret_check == check_of(SECRET) != check_of(b"another")


def test_a_secret_that_was_changed_is_refused(another: Callable[[str], Store], tmp_path: Path) -> None:
    write(another("sqlite"), tmp_path / "backup", SECRET, True, nothing)
    (tmp_path / "backup" / backup.SECRET).write_bytes(b"another")
    with opened(tmp_path / "backup") as found, pytest.raises(BadRequest) as caught:
        found.secret()
    assert caught.value.code == "invalid_backup"


def test_the_manifest_says_what_is_in_it(filled: Store, tmp_path: Path) -> None:
    write(filled, tmp_path / "backup.tar", SECRET, False, nothing)
    with tarfile.open(tmp_path / "backup.tar") as archive:
        file = archive.extractfile(backup.MANIFEST)
        assert file is not None
        manifest = msgspec.json.decode(file.read(), type=Manifest)
    assert {part.table: part.rows for part in manifest.parts}["calls"] == 2500
    assert manifest.database == ("sqlite" if filled.sqlite else "postgresql")
    assert [part.table for part in manifest.parts] == [table.name for table in tables()]
