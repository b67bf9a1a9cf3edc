"""Cache keys that hold a part of the secret: one token is taken for another. Here a secret is remembered whole."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import KeyHasher, KeyRing
from gateway.errors import Unauthenticated
from gateway.types import Principal
from tests.running import Gateway

NEARLY: dict[str, Callable[[str], str]] = {
    "without its last character": lambda key: key[:-1],
    "with one more": lambda key: key + "A",
    "another last character": lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
    "another first character": lambda key: "t" + key[1:],
    "its first twenty characters": lambda key: key[:20],
    "its first twenty, another end": lambda key: key[:20] + key[20:][::-1],
    "its end": lambda key: key[20:],
    "in capitals": str.upper,
    "in small letters": str.lower,
    "twice": lambda key: key + key,
    "a space inside": lambda key: key[:20] + " " + key[20:],
}


@pytest.mark.parametrize("case", NEARLY)
def test_cache_key_truncation(gateway: Gateway, case: str) -> None:
    """Asked before and after the true key is met, and again: nothing was remembered of either."""
    nearly = NEARLY[case](gateway.key)
    assert nearly != gateway.key
    statuses = [
        httpx.get(f"{gateway.api}/models", headers={"authorization": f"Bearer {key}"}).status_code
        for key in (nearly, gateway.key, nearly, nearly)
    ]
    assert statuses == [401, 200, 401, 401]


@given(st.lists(st.binary(min_size=1, max_size=60).map(bytes.strip).filter(bool), min_size=1))
def test_only_the_whole_secret_is_a_key_however_often_it_was_met(tried: list[bytes]) -> None:
    hasher = KeyHasher(b"pepper")
    known = tried[0]
    ring = KeyRing(hasher, {hasher.digest(known): Principal("k", "n")})
    for _ in range(2):
        for secret in tried:
            try:
                ring.authenticate(b"Bearer " + secret)
                assert secret == known
            except Unauthenticated:
                assert secret != known
