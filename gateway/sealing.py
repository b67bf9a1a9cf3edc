"""Secrets of others that must be read again, as those that webhooks are signed with: sealed in the database, opened
with this installation's secret. AES-256-GCM under a key derived from it by HKDF (RFC 5869)."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import Internal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


@dataclass(frozen=True, slots=True)
class Sealer:
    """What is sealed for one thing opens for that thing only: `of` names it, as `webhook:wh_12`."""

    _cipher: AESGCM

    @classmethod
    def of(cls, secret: bytes) -> Sealer:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return cls(AESGCM(HKDF(SHA256(), 32, salt=None, info=b"sluicegate sealing key").derive(secret)))

    def seal(self, text: str, of: str) -> str:
        """Base64; another text each time."""
        nonce = os.urandom(NONCE)
        return b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), of.encode())).decode()

    def open(self, sealed: str, of: str) -> str:
        """Raises `Internal` where it was sealed under another secret, for something else, or was changed."""
        from cryptography.exceptions import InvalidTag

        held = b64decode(sealed)
        try:
            return self._cipher.decrypt(held[:NONCE], held[NONCE:], of.encode()).decode()
        except InvalidTag:
            message = f"The secret of {of} does not open: it was sealed under another secret of this installation."
            raise Internal(message, code="secret_unreadable") from None
