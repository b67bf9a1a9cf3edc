"""Warrants: why a protected endpoint may serve a release.

A protected endpoint serves only what carries a warrant with this installation's signature, for this endpoint, this
release, and the upstream that answered when it was proven. The configuration in force is composed from nothing else, so
that no write to the database, by whatever way, can put a release in front of users that did not pass the gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from gateway.audit import entry_of
from gateway.errors import GatewayError
from gateway.signing import Signer, verify
from gateway.store.audit import GATE_IN_FORCE
from gateway.types import Json

UNSIGNED = "Its gate was changed in the database, past the two people it takes. Set it back, or set it anew."


def check_gate(public: str, endpoint: str, gate: Json | None, said: Json | None, warranted: bool) -> None:
    """Raises `GatewayError` where the gate of an endpoint is not the one that the audit log says is in force. `said` is
    the log's entry, None where there is none; `warranted` says that something was proven for the endpoint: it was
    protected."""
    if said is None:
        if gate is not None or warranted:
            raise GatewayError(UNSIGNED)
        return
    entry = entry_of(said)
    about = (entry.action, entry.object) == (GATE_IN_FORCE, f"endpoint:{endpoint}")
    if not about or not entry.genuine(public) or msgspec.json.decode(entry.detail).get("gate") != gate:
        raise GatewayError(UNSIGNED)


Ground = Literal["gate", "serving"]
"""It passed the gate, or served already when protection began."""


class Warrant(msgspec.Struct, frozen=True):
    """`identity` names what answers for the release's upstream; `gate` is the digest of the gate it passed, `evidence`
    the digests of what it passed on, `approved_by` the people who agreed. `at` is Unix time."""

    endpoint: str
    release: str
    identity: str
    ground: Ground
    gate: str
    evidence: tuple[str, ...]
    approved_by: tuple[str, ...]
    rollout: str | None
    at: float


@dataclass(frozen=True, slots=True)
class SignedWarrant:
    """`body` is the warrant as JSON, byte for byte what was signed."""

    body: str
    signature: str

    @classmethod
    def issue(cls, signer: Signer, warrant: Warrant) -> SignedWarrant:
        body = msgspec.json.encode(warrant)
        return cls(body.decode(), signer.sign(b"warrant:" + body))

    def check(
        self, public: str, endpoint: str, release: str, identity: str, turned_away: float | None = None
    ) -> Warrant:
        """Raises `GatewayError` saying why the release may not serve. `turned_away` is when it was, if ever: what was
        proven before that counts no more."""
        body = self.body.encode()
        if not verify(public, b"warrant:" + body, self.signature):
            raise GatewayError(f"The warrant of its release {release[:12]} was not signed by this installation.")
        warrant = msgspec.json.decode(body, type=Warrant)
        if (warrant.endpoint, warrant.release) != (endpoint, release):
            raise GatewayError(f"The warrant of its release {release[:12]} is for another release or endpoint.")
        if turned_away is not None and warrant.at <= turned_away:
            raise GatewayError(f"Its release {release[:12]} was rolled back since it was proven. Roll out another.")
        if warrant.identity != identity:
            raise GatewayError(
                f"The upstream of its release {release[:12]} was configured anew since it was proven. "
                "Set it back, or configure the new one under another name and roll out a release on it."
            )
        return warrant
