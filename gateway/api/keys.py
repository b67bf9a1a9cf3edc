"""Keys: mint, list, revoke."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gateway.api.deps import Admin, Running
from gateway.errors import NotFound
from gateway.keys import Grant, mint
from gateway.store import keys as rows
from gateway.store.keys import KeyRow

router = APIRouter(tags=["keys"])


class NewKey(BaseModel):
    """Null for `endpoints` or `upstreams` means all of them; `expires` is Unix time."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    roles: frozenset[str] = frozenset()
    endpoints: frozenset[str] | None = None
    upstreams: frozenset[str] | None = frozenset()
    expires: float | None = None


class Key(BaseModel):
    """A key without its secret."""

    id: str
    name: str
    hint: str
    roles: list[str]
    endpoints: list[str] | None
    upstreams: list[str] | None
    created: float
    expires: float | None
    revoked: float | None


class MintedKey(Key):
    key: str = Field(description="The secret; shown this once.")


class Keys(BaseModel):
    object: str = "list"
    data: list[Key]


@router.post("/keys", status_code=201)
async def create_key(new: NewKey, who: Admin, running: Running) -> MintedKey:
    """Mint a key."""
    grant = Grant(new.name, new.roles, new.endpoints, new.upstreams, new.expires)
    secret, row = await running.write(lambda connection: mint(connection, running.hasher, grant))
    return MintedKey(key=secret, **_shown(row))


@router.get("/keys")
async def list_keys(who: Admin, running: Running) -> Keys:
    """Every key there was, newest last."""
    return Keys(data=[Key(**_shown(row)) for row in await running.read(rows.list_all)])


@router.delete("/keys/{key_id}")
async def revoke_key(key_id: str, who: Admin, running: Running) -> Key:
    """Revoke a key. It is refused from now on."""
    if not await running.write(lambda connection: rows.revoke(connection, key_id, time.time())):
        raise NotFound(f"There is no key {key_id[:80]!r} in force.", param="key_id")
    found = [row for row in await running.read(rows.list_all) if row.id == key_id]
    return Key(**_shown(found[0]))


def _shown(row: KeyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "hint": row.hint,
        "roles": sorted(row.roles),
        "endpoints": None if row.endpoints is None else sorted(row.endpoints),
        "upstreams": None if row.upstreams is None else sorted(row.upstreams),
        "created": row.created,
        "expires": row.expires,
        "revoked": row.revoked,
    }
