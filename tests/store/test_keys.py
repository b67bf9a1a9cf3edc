"""Keys in the database: several secrets of one key, each until its time, and rows that an earlier version wrote."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, select, text

from gateway.errors import BadRequest
from gateway.store import catalogue, keys, teams
from gateway.store.engine import Store
from gateway.store.keys import KeyRow
from gateway.store.migrations import migrate
from gateway.store.tables.access import key_secrets
from gateway.store.tables.access import keys as table

ADA = KeyRow(
    id="key_ada",
    name="ada",
    digest="a" * 64,
    hint="aaaa",
    roles=frozenset(["viewer"]),
    endpoints=None,
    upstreams=frozenset(),
    created=1.0,
    expires=None,
    revoked=None,
    owner="Ada",
    project=None,
    rotated=None,
)
HOUR = 3600.0


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    """One transaction for the whole test, with one key."""
    with store.begin() as opened:
        keys.add(opened, ADA)
        yield opened


def rotated(connection: Connection, digest: str, overlap: float) -> KeyRow:
    row = keys.rotate(connection, ADA.id, digest * 64, digest * 4, overlap, "root")
    assert row is not None
    return row


def former(connection: Connection) -> dict[str, float]:
    """In how many seconds each former secret ends, by the first letter of its digest."""
    [row] = keys.find_active(connection)
    return {secret.digest[0]: secret.expires - time.time() for secret in row.former}


def test_a_key_is_read_as_it_was_written(connection: Connection) -> None:
    bob = replace(ADA, id="key_bob", digest="b" * 64, endpoints=frozenset(["x", "y"]), upstreams=None, expires=9e9)
    keys.add(connection, bob)
    assert keys.list_all(connection) == keys.find_active(connection) == [ADA, bob]


def test_a_rotation_changes_the_secret_and_notes_by_whom(connection: Connection) -> None:
    row = rotated(connection, "b", HOUR)
    [secret] = row.former
    of_the_newest = replace(ADA, digest="b" * 64, hint="bbbb", rotated=row.rotated, created_by="root", makers=("root",))
    assert row == replace(of_the_newest, former=(secret,))
    assert row.rotated == pytest.approx(time.time(), abs=60)
    assert keys.find_active(connection) == [row]
    assert (secret.digest, secret.hint, secret.created) == (ADA.digest, ADA.hint, ADA.created)
    assert HOUR - 60 < secret.expires - time.time() <= HOUR


def test_several_secrets_go_on_until_their_ends(connection: Connection) -> None:
    rotated(connection, "b", HOUR)
    rotated(connection, "c", 2 * HOUR)
    ends = former(connection)
    assert list(ends) == ["b", "a"], "newest first"
    assert ends["a"] < 1.1 * HOUR < ends["b"]


def test_a_rotation_brings_forward_what_would_outlive_it(connection: Connection) -> None:
    """So that the last one says when the newest is the only one: at once, where a secret has leaked."""
    rotated(connection, "b", 10 * HOUR)
    rotated(connection, "c", HOUR)
    assert max(former(connection).values()) <= HOUR
    rotated(connection, "d", 0)
    assert former(connection) == {}


def test_secrets_that_ended_are_not_kept(connection: Connection) -> None:
    rotated(connection, "b", 0)
    rotated(connection, "c", HOUR)
    kept = connection.execute(select(key_secrets.c.digest, key_secrets.c.created)).all()
    assert [row.digest[0] for row in kept] == ["b"]
    assert kept[0].created > ADA.created, "when that secret was made, not its key"


def test_what_is_not_in_force_is_not_rotated(connection: Connection) -> None:
    keys.add(connection, replace(ADA, id="key_old", digest="e" * 64, expires=2.0))
    assert keys.rotate(connection, "key_old", "f" * 64, "ffff", HOUR, "root") is None
    assert keys.rotate(connection, "key_unknown", "f" * 64, "ffff", HOUR, "root") is None
    assert keys.revoke(connection, ADA.id, time.time())
    assert keys.rotate(connection, ADA.id, "f" * 64, "ffff", HOUR, "root") is None
    assert [row.former for row in keys.list_all(connection)] == [(), ()]


def test_a_revoked_key_has_no_secret_left(connection: Connection) -> None:
    rotated(connection, "b", HOUR)
    assert keys.revoke(connection, ADA.id, 5.0)
    [row] = keys.list_all(connection)
    assert (row.revoked, row.former) == (5.0, ())


def test_a_project_that_is_not_there_has_no_keys(connection: Connection) -> None:
    bob = replace(ADA, id="key_bob", digest="b" * 64, project="web")
    with pytest.raises(BadRequest) as refused:
        keys.add(connection, bob)
    assert (refused.value.param, "'web'" in refused.value.message) == ("project", True)
    teams.add_team(connection, teams.Team("search", None, 1.0))
    teams.add_project(connection, teams.Project("web", "search", 1.0))
    keys.add(connection, bob)
    assert [row.project for row in keys.list_all(connection)] == [None, "web"]


def test_a_key_is_assigned_to_another(connection: Connection) -> None:
    """What is not said stays, and so does all else of the key."""
    teams.add_team(connection, teams.Team("search", None, 1.0))
    teams.add_project(connection, teams.Project("web", "search", 1.0))
    assert keys.assign(connection, ADA.id, None, "web", "root") == replace(ADA, project="web")
    assert keys.assign(connection, ADA.id, "Bob", None, "root") == replace(
        ADA, owner="Bob", project="web", created_by="root", makers=("root",)
    )
    of_bob = replace(ADA, owner="Bob", project="web", created_by="root", makers=("root",))
    assert keys.list_all(connection) == [of_bob]
    assert keys.assign(connection, ADA.id, "Cy", None, "bob") == replace(
        of_bob, owner="Cy", created_by="bob", makers=("root", "bob")
    )
    with pytest.raises(BadRequest, match="no project 'ghost'"):
        keys.assign(connection, ADA.id, None, "ghost", "root")
    keys.revoke(connection, ADA.id, 5.0)
    assert keys.assign(connection, ADA.id, "Eve", None, "root") is None


def test_every_change_moves_the_revision_on(connection: Connection) -> None:
    seen = [catalogue.revision(connection)]
    rotated(connection, "b", HOUR)
    seen.append(catalogue.revision(connection))
    keys.assign(connection, ADA.id, "Bob", None, "root")
    seen.append(catalogue.revision(connection))
    keys.revoke(connection, ADA.id, time.time())
    seen.append(catalogue.revision(connection))
    assert seen == sorted(set(seen))


def test_rotations_at_once_follow_each_other(store: Store) -> None:
    """None loses the secret that another has just made."""
    with store.begin() as opened:
        keys.add(opened, ADA)
    start = Barrier(3)

    def rotation(digest: str) -> None:
        start.wait()
        with store.begin() as connection:
            rotated(connection, digest, HOUR)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(rotation, "bcd"))
    with store.begin() as connection:
        [row] = keys.find_active(connection)
    assert {row.digest[0], *(secret.digest[0] for secret in row.former)} == set("abcd")


def test_the_version_before_reads_and_writes_beside_this_one(url: str) -> None:
    """It knows neither former secrets nor owners: its keys are their name's, and of a rotated key it sees the newest
    secret."""
    known = [column for column in table.columns if column.name not in ("owner", "project", "rotated")]
    columns = [Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable) for c in known]
    old = Table("keys", MetaData(), *columns)
    written = "INSERT INTO keys (id, name, digest, hint, roles, created) VALUES ('{0}', '{0}', '{0}', 'h', '[]', 1)"
    with closing(Store(url)) as store:
        with store.begin() as connection:
            old.create(connection)
            connection.execute(text(written.format("old")))
        migrate(store)
        with store.begin() as connection:
            connection.execute(text(written.format("new")))
            assert {(row.id, row.owner, row.project) for row in keys.find_active(connection)} == {
                ("old", "old", None),
                ("new", "new", None),
            }
            row = keys.rotate(connection, "old", "d" * 64, "dddd", HOUR, "root")
            assert row is not None
            assert [secret.digest for secret in row.former] == ["old"]
            assert connection.execute(select(old.c.digest).where(old.c.id == "old")).scalar_one() == "d" * 64
