"""Keys: minted once, shown once, kept as digests; what a grant may say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.access import ROLES, KeyHasher
from gateway.errors import BadRequest
from gateway.keys import Grant, mint
from gateway.store import catalogue, keys
from gateway.store.engine import Store
from gateway.store.migrations import migrate

HASHER = KeyHasher(b"pepper")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{tmp_path / 'sluice.db'}")) as opened:
        migrate(opened)
        yield opened


def test_a_secret_is_in_no_row_and_in_no_file(store: Store, tmp_path: Path) -> None:
    with store.begin() as connection:
        secret, row = mint(connection, HASHER, Grant("test"))
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
        made = [mint(connection, HASHER, Grant("test")) for _ in range(50)]
    assert len({secret for secret, _ in made}) == len({row.id for _, row in made}) == 50


def test_what_was_granted_is_kept(store: Store) -> None:
    grants = [
        Grant("plain"),
        Grant("everything", frozenset(ROLES), None, None, time.time() + 60),
        Grant("scoped", frozenset(["viewer"]), frozenset(["b", "a"]), frozenset(["u"])),
        Grant("nothing", endpoints=frozenset()),
    ]
    with store.begin() as connection:
        made = [mint(connection, HASHER, grant)[1] for grant in grants]
    with store.begin() as connection:
        assert keys.list_all(connection) == made
        assert {row.id for row in keys.find_active(connection)} == {row.id for row in made}
    for grant, row in zip(grants, made, strict=True):
        told = (row.name, row.roles, row.endpoints, row.upstreams, row.expires)
        assert told == (grant.name, grant.roles, grant.endpoints, grant.upstreams, grant.expires)
        assert row.revoked is None


def test_a_new_key_reaches_no_upstream_by_name_unless_told() -> None:
    assert Grant("test").upstreams == frozenset()
    assert Grant("test").roles == frozenset()


def test_minting_and_revoking_move_the_revision(store: Store) -> None:
    """Which is how running gateways come to know."""
    with store.begin() as connection:
        seen = [catalogue.revision(connection)]
        _, row = mint(connection, HASHER, Grant("test"))
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
            "'root'; the roles are admin, operator, viewer",
        ),
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
