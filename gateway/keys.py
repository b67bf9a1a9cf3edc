"""Keys: minted here, shown once, kept as digests only."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.access import ROLES, KeyHasher
from gateway.errors import BadRequest
from gateway.store import keys as rows
from gateway.store.keys import KeyRow

END_OF_TIME = 253_402_300_800.0
"""The year 10000, beyond which dates cannot be shown. Unix times in milliseconds lie there."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a new key may do. `endpoints` and `upstreams` of None mean all; `expires` is Unix time."""

    name: str
    roles: frozenset[str] = frozenset()
    endpoints: frozenset[str] | None = None
    upstreams: frozenset[str] | None = frozenset()
    expires: float | None = None

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > 100:
            raise BadRequest("A key needs a name of at most 100 characters.", param="name")
        unknown = self.roles - set(ROLES)
        if unknown:
            message = f"There is no role {min(unknown)!r}; the roles are {', '.join(ROLES)}."
            raise BadRequest(message, param="roles")
        if self.expires is not None and not time.time() < self.expires < END_OF_TIME:
            raise BadRequest("'expires' is a Unix time, in seconds, and one to come.", param="expires")


def mint(connection: Connection, hasher: KeyHasher, grant: Grant) -> tuple[str, KeyRow]:
    """A new secret, to be shown once, and the row that stays. The caller owns the transaction."""
    secret = f"sk-{secrets.token_urlsafe(32)}"
    row = KeyRow(
        id=f"key_{secrets.token_hex(8)}",
        name=grant.name,
        digest=hasher.digest(secret.encode()).hex(),
        hint=secret[-4:],
        roles=grant.roles,
        endpoints=grant.endpoints,
        upstreams=grant.upstreams,
        created=time.time(),
        expires=grant.expires,
        revoked=None,
    )
    rows.add(connection, row)
    return secret, row
