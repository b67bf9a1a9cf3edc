"""Keys: minted here, shown once, kept as digests only, and rotated without a gap."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from gateway.access import ROLES, KeyHasher
from gateway.allowances import those_of
from gateway.amounts import DAY, FOREVER, Allowance
from gateway.errors import BadRequest, NotFound
from gateway.store import catalogue, teams
from gateway.store import keys as rows
from gateway.store.keys import KeyRow
from gateway.types import Json, Principal

LOCAL = "local:"
"""What the names of people begin with who gave a command at the machine, without a key."""
LONGEST_OVERLAP = 90 * DAY
"""Seconds for which a secret may go on opening after the next one was made."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a new key may do, and whose it is. `endpoints` and `upstreams` of None mean all; `expires` is Unix time;
    without an `owner` the key belongs to its name."""

    name: str
    roles: frozenset[str] = frozenset()
    endpoints: frozenset[str] | None = None
    upstreams: frozenset[str] | None = frozenset()
    expires: float | None = None
    owner: str | None = None
    project: str | None = None

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > 100:
            raise BadRequest("A key needs a name of at most 100 characters.", param="name", code="invalid_value")
        _check_owner(self.owner)
        _check_person(self.name, "name")
        unknown = self.roles - set(ROLES)
        if unknown:
            message = f"There is no role {min(unknown)!r}; the roles are {', '.join(ROLES)}."
            raise BadRequest(message, param="roles", code="unknown_role")
        # a Unix time in milliseconds lies beyond the end of time
        if self.expires is not None and not time.time() < self.expires < FOREVER:
            message = "'expires' is a Unix time, in seconds, and one to come."
            raise BadRequest(message, param="expires", code="invalid_value")


def mint(connection: Connection, hasher: KeyHasher, grant: Grant, by: str) -> tuple[str, KeyRow]:
    """A new secret, to be shown once, and the row that stays. Raises `BadRequest` where the project does not exist. The
    caller owns the transaction."""
    secret = _secret()
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
        owner=grant.owner or grant.name,
        project=grant.project,
        rotated=None,
        created_by=by,
        makers=(by,),
    )
    rows.add(connection, row)
    return secret, row


def rotate(connection: Connection, hasher: KeyHasher, key_id: str, overlap: float, by: str) -> tuple[str, KeyRow]:
    """Another secret for a key, to be shown once; those it had go on for `overlap` seconds at most. All else of the key
    stays. Raises `NotFound` where there is no such key in force. The caller owns the transaction."""
    if not 0 <= overlap <= LONGEST_OVERLAP:
        raise BadRequest("Secrets overlap for 0 seconds to 90 days.", param="overlap_seconds", code="invalid_value")
    secret = _secret()
    row = rows.rotate(connection, key_id, hasher.digest(secret.encode()).hex(), secret[-4:], overlap, by)
    if row is None:
        raise not_in_force(key_id)
    return secret, row


def assign(connection: Connection, key_id: str, owner: str | None, project: str | None, by: str) -> KeyRow:
    """Give a key another owner, another project, or both; None leaves what it has. Raises `NotFound` where there is no
    such key in force, and `BadRequest` where the project does not exist. The caller owns the transaction."""
    _check_owner(owner)
    row = rows.assign(connection, key_id, owner, project, by)
    if row is None:
        raise not_in_force(key_id)
    return row


def not_in_force(key_id: str) -> NotFound:
    return NotFound(f"There is no key {key_id[:80]!r} in force. `sluice keys list` shows them.", param="key_id")


def shown(row: KeyRow) -> Json:
    """For machines: what the API says of a key, never its secrets."""
    return {
        "id": row.id,
        "name": row.name,
        "owner": row.owner,
        "created_by": row.created_by,
        "makers": list(row.makers),
        "project": row.project,
        "hint": row.hint,
        "former": [{"hint": old.hint, "created": old.created, "expires": old.expires} for old in row.former],
        "roles": sorted(row.roles),
        "endpoints": None if row.endpoints is None else sorted(row.endpoints),
        "upstreams": None if row.upstreams is None else sorted(row.upstreams),
        "created": row.created,
        "rotated": row.rotated,
        "expires": row.expires,
        "revoked": row.revoked,
    }


def unknown_names(connection: Connection, grant: Grant, upstreams: Collection[str]) -> list[str]:
    """A warning for each endpoint and upstream that the grant names and nobody has declared: it may be a slip, or come
    later. `upstreams` are those that can be named, pools included."""
    endpoints = {endpoint.name for endpoint in catalogue.load(connection).endpoints}
    named = [("endpoint", name) for name in sorted((grant.endpoints or frozenset()) - endpoints)]
    named += [("upstream", name) for name in sorted((grant.upstreams or frozenset()) - set(upstreams))]
    return [f"There is no {kind} {name!r} (yet)." for kind, name in named]


def principals(connection: Connection, allowances: Mapping[str, Allowance]) -> dict[bytes, Principal]:
    """Who calls, by the digest of each secret in force. `allowances` are by scope."""
    team_of = {project.name: project.team for project in teams.list_projects(connection)}
    found: dict[bytes, Principal] = {}
    for key in rows.find_active(connection):
        team = team_of.get(key.project) if key.project is not None else None
        named = (("key", key.id), ("project", key.project), ("team", team))
        principal = Principal(
            key_id=key.id,
            name=key.name,
            roles=key.roles,
            endpoints=key.endpoints,
            upstreams=key.upstreams,
            expires=key.expires,
            owner=key.owner,
            team=team,
            project=key.project,
            allowances=those_of(allowances, *(f"{kind}:{name}" for kind, name in named if name is not None)),
        )
        found[bytes.fromhex(key.digest)] = principal
        for secret in key.former:
            ends = secret.expires if key.expires is None else min(key.expires, secret.expires)
            found[bytes.fromhex(secret.digest)] = replace(principal, expires=ends)
    return found


def _check_owner(owner: str | None) -> None:
    if owner is not None and not 0 < len(owner) <= 100:
        raise BadRequest("An owner has 1 to 100 characters.", param="owner", code="invalid_value")
    _check_person(owner, "owner")


def _check_person(name: str | None, param: str) -> None:
    if name is not None and name.startswith(LOCAL):
        message = f"Names that begin with {LOCAL!r} are those of people at the machine: no key can belong to one."
        raise BadRequest(message, param=param, code="invalid_value")


def _secret() -> str:
    return f"sk-{secrets.token_urlsafe(32)}"
