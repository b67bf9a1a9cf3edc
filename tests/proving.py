"""What decides beside the database, for tests that call the domain directly: a signature, upstreams, people."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.releases.conduct import Actor
from gateway.releases.golive import Installation
from gateway.signing import Signer

SIGNER = Signer.of(b"pepper")
ADA = Actor("ada", None)


def installation(upstreams: Iterable[str]) -> Installation:
    """One in which these upstreams and pools are configured."""
    return Installation(SIGNER, {name: f"what answers for {name}" for name in upstreams})
