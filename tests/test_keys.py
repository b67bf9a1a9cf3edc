"""Keys: minted once, shown once, kept as digests, rotated without a gap; what a grant may say, and who a secret is."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.access import ROLES, KeyHasher
from gateway.amounts import Allowance
from gateway.errors import BadRequest, NotFound
from gateway.keys import LONGEST_OVERLAP, Grant, mint, principals, rotate, unknown_names
from gateway.releases.apply import apply
from gateway.releases.manifest import parse
from gateway.store import catalogue, keys, teams
from gateway.store.engine import Store
from tests.proving import ADA, installation

HASHER = KeyHasher(b"pepper")


def add_project(connection: Connection) -> None:
    teams.add_team(connection, teams.Team("search", None, 1.0))
    teams.add_project(connection, teams.Project("web", "search", 1.0))


def test_a_secret_is_in_no_row_and_in_no_file(store: Store, tmp_path: Path) -> None:
    with store.begin() as connection:
        secret, row = mint(connection, HASHER, Grant("test"), "root")
    assert secret.startswith("sk-")
    assert len(secret) > 40
    assert row.digest == HASHER.digest(secret.encode()).hex()
    assert row.hint == secret[-4:]
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert row.digest.encode() in kept
    assert secret.encode() not in kept
    assert secret[3:-4].encode() not in kept


def test_no_two_keys_are_alike(store: Store) -> None:
    with store.begin() as connection:
        made = [mint(connection, HASHER, Grant("test"), "root") for _ in range(50)]
    assert len({secret for secret, _ in made}) == len({row.id for _, row in made}) == 50


def test_what_was_granted_is_kept(store: Store) -> None:
    grants = [
        Grant("plain"),
        Grant("everything", frozenset(ROLES), None, None, time.time() + 60),
        Grant("scoped", frozenset(["viewer"]), frozenset(["b", "a"]), frozenset(["u"])),
        Grant("nothing", endpoints=frozenset()),
        Grant("whose", owner="Ada", project="web"),
    ]
    with store.begin() as connection:
        add_project(connection)
        made = [mint(connection, HASHER, grant, "root")[1] for grant in grants]
    with store.begin() as connection:
        assert keys.list_all(connection) == made
        assert {row.id for row in keys.find_active(connection)} == {row.id for row in made}
    for grant, row in zip(grants, made, strict=True):
        told = (row.name, row.roles, row.endpoints, row.upstreams, row.expires, row.project)
        assert told == (grant.name, grant.roles, grant.endpoints, grant.upstreams, grant.expires, grant.project)
        assert row.owner == (grant.owner or grant.name)
        assert row.revoked is None


def test_a_new_key_reaches_no_upstream_by_name_unless_told() -> None:
    assert Grant("test").upstreams == frozenset()
    assert Grant("test").roles == frozenset()


def test_minting_and_revoking_move_the_revision(store: Store) -> None:
    """Which is how running gateways come to know."""
    with store.begin() as connection:
        seen = [catalogue.revision(connection)]
        _, row = mint(connection, HASHER, Grant("test"), "root")
        seen.append(catalogue.revision(connection))
        assert keys.revoke(connection, row.id, time.time())
        seen.append(catalogue.revision(connection))
        assert not keys.revoke(connection, row.id, time.time())
        assert not keys.revoke(connection, "key_unknown", time.time())
        assert keys.find_active(connection) == []
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("grant", "param", "words"),
    [
        ({"name": ""}, "name", "at most 100"),
        ({"name": "a" * 101}, "name", "at most 100"),
        (
            {"name": "a", "roles": frozenset(["admin", "root"])},
            "roles",
            "'root'; the roles are admin, approver, editor, evaluator, viewer",
        ),
        ({"name": "a", "owner": ""}, "owner", "1 to 100"),
        ({"name": "a", "owner": "a" * 101}, "owner", "1 to 100"),
        ({"name": "a", "expires": 1.0}, "expires", "to come"),
        ({"name": "a", "expires": float("nan")}, "expires", "to come"),
        ({"name": "a", "expires": float("inf")}, "expires", "to come"),
        ({"name": "a", "expires": 1.9e12}, "expires", "in seconds"),
    ],
)
def test_what_cannot_be_granted(grant: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Grant(**grant)
    assert refused.value.param == param
    assert words in refused.value.message


def test_what_a_grant_names_and_nobody_declared(store: Store) -> None:
    manifest = parse("endpoints: {bot: {upstream: demo}}", "m")
    scoped = Grant("test", endpoints=frozenset(["bot", "b", "a"]), upstreams=frozenset(["demo", "ghost"]))
    with store.begin() as connection:
        apply(connection, manifest, installation(["demo"]), ADA)
        assert unknown_names(connection, Grant("all", upstreams=None), ["demo"]) == []
        assert unknown_names(connection, scoped, ["demo"]) == [
            "There is no endpoint 'a' (yet).",
            "There is no endpoint 'b' (yet).",
            "There is no upstream 'ghost' (yet).",
        ]


# Rotation ------------------------------------------------------------------------------------------------------------


def test_a_rotated_key_is_the_same_caller_by_each_secret(store: Store) -> None:
    with store.begin() as connection:
        old, row = mint(connection, HASHER, Grant("test", roles=frozenset(["viewer"])), "root")
        new, rotated = rotate(connection, HASHER, row.id, 60, "root")
        found = principals(connection, {})
    assert new != old
    assert (rotated.id, rotated.hint) == (row.id, new[-4:])
    assert set(found) == {HASHER.digest(secret.encode()) for secret in (old, new)}
    by_old, by_new = found[HASHER.digest(old.encode())], found[HASHER.digest(new.encode())]
    assert by_old.expires is not None
    assert 0 < by_old.expires - time.time() <= 60
    assert by_new == replace(by_old, expires=None)


def test_no_secret_outlives_its_key(store: Store) -> None:
    ends = time.time() + 30
    with store.begin() as connection:
        _, row = mint(connection, HASHER, Grant("test", expires=ends), "root")
        rotate(connection, HASHER, row.id, 60, "root")
        assert [principal.expires for principal in principals(connection, {}).values()] == [ends, ends]


def test_a_revoked_key_has_no_secret_left(store: Store) -> None:
    with store.begin() as connection:
        _, row = mint(connection, HASHER, Grant("test"), "root")
        rotate(connection, HASHER, row.id, 60, "root")
        keys.revoke(connection, row.id, time.time())
        assert principals(connection, {}) == {}
        with pytest.raises(NotFound, match=row.id) as refused:
            rotate(connection, HASHER, row.id, 60, "root")
        assert refused.value.param == "key_id"


@pytest.mark.parametrize("overlap", [-1.0, LONGEST_OVERLAP + 1, float("nan"), float("inf")])
def test_secrets_do_not_overlap_for_ever(store: Store, overlap: float) -> None:
    with store.begin() as connection:
        _, row = mint(connection, HASHER, Grant("test"), "root")
        with pytest.raises(BadRequest, match="0 seconds to 90 days") as refused:
            rotate(connection, HASHER, row.id, overlap, "root")
        assert refused.value.param == "overlap_seconds"
        assert keys.find_active(connection) == [row]


# Who calls -----------------------------------------------------------------------------------------------------------


def test_a_caller_has_the_allowances_of_key_project_and_team(store: Store) -> None:
    with store.begin() as connection:
        add_project(connection)
        _, inside = mint(connection, HASHER, Grant("inside", owner="Ada", project="web"), "root")
        _, outside = mint(connection, HASHER, Grant("outside"), "root")
        scopes = (f"key:{inside.id}", "project:web", "team:search", "team:other", "endpoint:web")
        held = {scope: Allowance(scope, concurrent=number + 1) for number, scope in enumerate(scopes)}
        found = {principal.key_id: principal for principal in principals(connection, held).values()}
    caller = found[inside.id]
    assert (caller.name, caller.owner, caller.project, caller.team) == ("inside", "Ada", "web", "search")
    assert caller.allowances == tuple(held[scope] for scope in scopes[:3])
    stranger = found[outside.id]
    assert (stranger.owner, stranger.project, stranger.team) == ("outside", None, None)
    assert stranger.allowances == ()
