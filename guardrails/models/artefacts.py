"""What the package brings that was fitted and not written, and the checks of it before a release and after an
installation: digests, and signatures.

A signature is Ed25519 (RFC 8032) over the bytes of a manifest, in base64 in a file beside it. It says who made a
package, to whoever received it; a process that loads an artefact checks digests alone, since whoever could change the
manifests there could change this code as well.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guardrails.errors import BadInput, NotRun
from guardrails.models.local import shipped
from guardrails.models.manifest import FILE, artefact, digest, read

SIGNATURE = "manifest.sig"
PACKAGE = Path(__file__).parents[1]
OTHERS = (PACKAGE / "grounding", PACKAGE / "pii")
"""The folders of the artefacts that are no models."""


@dataclass(frozen=True, slots=True)
class Checked:
    """`signed` is None where there is no signature, or no key to check it by; `fault` says what is wrong."""

    name: str
    digest: str
    signed: bool | None
    fault: str | None = None


def folders() -> list[Path]:
    """Of everything that is shipped."""
    return [*sorted(place.parent for place in shipped().glob(f"*/{FILE}")), *OTHERS]


def checked(key: bytes | None = None) -> Iterator[Checked]:
    """Every shipped artefact held against its manifest, and that against its signature by the public `key`."""
    for folder in folders():
        try:
            name = (read(folder) if folder.parent == shipped() else artefact(folder))[0].name
        except NotRun as error:
            yield Checked(folder.name, "", None, error.message)
            continue
        stated = (folder / FILE).read_bytes()
        yield Checked(name, digest(stated), _signed(folder / SIGNATURE, stated, key))


def _signed(file: Path, stated: bytes, key: bytes | None) -> bool | None:
    if key is None or not file.is_file():
        return None
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(b64decode(file.read_bytes().strip(), validate=True), stated)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key(written: str) -> bytes:
    """32 bytes, in base64. Raises `BadInput` for what is no key."""
    try:
        key = b64decode(written.strip(), validate=True)
    except ValueError as error:
        raise BadInput("the key is not base64.") from error
    if len(key) != 32:
        raise BadInput(f"the key has {len(key)} bytes; an Ed25519 public key has 32.")
    return key


def sign(seed: bytes) -> str:
    """Writes a signature beside every manifest, by the private key of 32 bytes. Gives the public key, in base64."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(seed)
    for folder in folders():
        signature = private.sign((folder / FILE).read_bytes())
        (folder / SIGNATURE).write_bytes(b64encode(signature) + b"\n")
    return b64encode(private.public_key().public_bytes_raw()).decode()
