"""This installation's signature."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.signing import Signer, verify

SIGNER = Signer.of(b"secret")


@given(message=st.binary(max_size=200))
def test_what_was_signed_is_verified(message: bytes) -> None:
    assert verify(SIGNER.public, message, SIGNER.sign(message))
    assert not verify(Signer.of(b"another").public, message, SIGNER.sign(message))


@given(message=st.binary(max_size=50), other=st.binary(max_size=50))
def test_a_signature_is_for_one_message(message: bytes, other: bytes) -> None:
    assert verify(SIGNER.public, other, SIGNER.sign(message)) == (message == other)


def test_the_same_secret_is_the_same_key_on_every_replica() -> None:
    again = Signer.of(b"secret")
    assert (again.public, again.key_id) == (SIGNER.public, SIGNER.key_id)
    assert len(b64decode(SIGNER.public)) == 32


@pytest.mark.parametrize(
    ("public", "signature"),
    [("", ""), ("no base64!", "no base64!"), ("YQ==", "YQ=="), (SIGNER.public, ""), (SIGNER.public, "größe")],
)
def test_what_is_no_key_or_no_signature_verifies_nothing(public: str, signature: str) -> None:
    assert not verify(public, b"message", signature)
