"""What is stored, listed or logged of a key is not accepted in its place."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from typing import Any

import httpx
import pytest

from gateway.access import KeyHasher, KeyRing
from gateway.errors import Unauthenticated
from gateway.types import Principal
from tests.running import Gateway


def stored(gateway: Gateway) -> dict[str, str]:
    """Everything the database and the admin API hold of the admin key, by where it is."""
    with closing(sqlite3.connect(gateway.config.parent / "data" / "sluice.db")) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM keys ORDER BY created LIMIT 1").fetchone())
    return {name: value for name, value in row.items() if isinstance(value, str) and value}


@pytest.mark.parametrize("scheme", ["Bearer {}", "{}", "Basic {}", "Digest {}"])
def test_pass_the_hash(gateway: Gateway, scheme: str) -> None:
    held = stored(gateway)
    assert {"id", "digest"} <= held.keys()
    secret = gateway.key.encode()
    plain = {"sha256": hashlib.sha256(secret).hexdigest(), "md5": hashlib.md5(secret).hexdigest()}
    for where, value in {**held, **plain, "small": held["digest"].upper()}.items():
        for headers in ({"authorization": scheme.format(value)}, {"x-api-key": value}):
            reply = httpx.get(f"{gateway.url}/admin/keys", headers=headers)
            assert reply.status_code == 401, where


def test_no_digest_is_shown(gateway: Gateway) -> None:
    listed = httpx.get(f"{gateway.url}/admin/keys", headers=gateway.headers).text
    assert stored(gateway)["id"] in listed
    assert stored(gateway)["digest"] not in listed
    assert gateway.key not in listed
    assert stored(gateway)["digest"] not in gateway.sluice("keys", "list", "--json").stdout


class Watched(dict[bytes, Principal]):
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[object] = []

    def get(self, key: object, default: object = None) -> Any:
        self.asked.append(key)
        return default


def test_a_secret_is_only_ever_compared_as_its_digest() -> None:
    """Whose bytes a caller cannot choose, so that the time a comparison takes tells nothing about a key."""
    hasher, principals = KeyHasher(b"pepper"), Watched()
    ring = KeyRing(hasher, principals)
    tried = [b"sk-a", b"sk-ab", b"x" * 5000]
    for secret in tried:
        with pytest.raises(Unauthenticated):
            ring.authenticate(b"Bearer " + secret)
    assert principals.asked == [hasher.digest(secret) for secret in tried]
