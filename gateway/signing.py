"""This installation's signature: Ed25519 (RFC 8032), under a key derived from its secret by HKDF (RFC 5869).

All replicas share the secret, and so the key; nothing else has to be kept. Another secret is another key: what was
signed before is checked with the public key it names.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Signer:
    """`public` is the public key, 32 bytes in base64; `key_id` the first 16 hex digits of its SHA-256."""

    public: str
    key_id: str
    _private: Ed25519PrivateKey

    @classmethod
    def of(cls, secret: bytes) -> Signer:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        seed = HKDF(SHA256(), 32, salt=None, info=b"sluicegate signing key").derive(secret)
        private = Ed25519PrivateKey.from_private_bytes(seed)
        public = private.public_key().public_bytes_raw()
        return cls(b64encode(public).decode(), hashlib.sha256(public).hexdigest()[:16], private)

    def sign(self, message: bytes) -> str:
        """64 bytes, in base64."""
        return b64encode(self._private.sign(message)).decode()


def verify(public: str, message: bytes, signature: str) -> bool:
    """Whether the holder of `public` signed `message`. False for what is no key or no signature."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(public, validate=True))
        key.verify(b64decode(signature, validate=True), message)
    except (InvalidSignature, NotBase64, ValueError):
        return False
    return True
