"""What is sealed opens with the same secret, for the same thing, unchanged; and else not at all."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Internal
from gateway.sealing import Sealer

SEALER = Sealer.of(b"secret")


@given(text=st.text(max_size=100))
def test_what_was_sealed_opens(text: str) -> None:
    assert SEALER.open(SEALER.seal(text, "wh_1"), "wh_1") == text
    assert Sealer.of(b"secret").open(SEALER.seal(text, "wh_1"), "wh_1") == text


def test_nobody_sees_that_two_are_the_same() -> None:
    assert SEALER.seal("whsec_1", "wh_1") != SEALER.seal("whsec_1", "wh_1")


def test_it_opens_for_nothing_else() -> None:
    sealed = SEALER.seal("whsec_1", "wh_1")
    for sealer, of in ((SEALER, "wh_2"), (Sealer.of(b"another"), "wh_1")):
        with pytest.raises(Internal, match="sealed under another secret") as raised:
            sealer.open(sealed, of)
        assert raised.value.code == "secret_unreadable"
        assert "whsec_1" not in str(raised.value)


@given(at=st.integers(0, 200), bit=st.integers(0, 7))
def test_what_was_changed_does_not_open(at: int, bit: int) -> None:
    held = bytearray(b64decode(SEALER.seal("whsec_secret", "wh_1")))
    held[at % len(held)] ^= 1 << bit
    with pytest.raises(Internal):
        SEALER.open(b64encode(held).decode(), "wh_1")
