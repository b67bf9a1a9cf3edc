"""Keys: mint, list, assign, rotate, revoke."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from gateway.api.deps import Admin, Running
from gateway.audit import Act
from gateway.keys import Grant, assign, mint, not_in_force, rotate, shown, unknown_names
from gateway.settings import NAME
from gateway.store import keys as rows

router = APIRouter(tags=["keys"])


PRINTABLE = r"^[^\x00-\x1f\x7f]*$"


class NewKey(BaseModel):
    """Null for `endpoints` or `upstreams` means all of them; `expires` is Unix time. Without an `owner` the key belongs
    to its name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, pattern=PRINTABLE)
    owner: str | None = Field(None, min_length=1, max_length=100, pattern=PRINTABLE)
    project: str | None = None
    roles: frozenset[str] = frozenset()
    endpoints: frozenset[Annotated[str, Field(pattern=NAME)]] | None = None
    upstreams: frozenset[Annotated[str, Field(pattern=NAME)]] | None = frozenset()
    expires: float | None = None


class Assignment(BaseModel):
    """Null leaves what the key has."""

    model_config = ConfigDict(extra="forbid")

    owner: str | None = Field(None, min_length=1, max_length=100, pattern=PRINTABLE)
    project: str | None = None


class Rotation(BaseModel):
    """The secrets the key had go on for `overlap_seconds`, at most 90 days; 0 ends them at once."""

    model_config = ConfigDict(extra="forbid")

    overlap_seconds: float = 86400


class Former(BaseModel):
    """A secret that opens beside the newest one until it `expires`."""

    hint: str
    created: float
    expires: float


class Key(BaseModel):
    """A key without its secrets; `hint` is the end of the newest one, made at `rotated`."""

    id: str
    name: str
    owner: str
    created_by: str | None = Field(description="Who minted it, gave it its owner or rotated it last.")
    makers: list[str] = Field(description="Everybody who ever did: they are no second person beside its owner.")
    project: str | None
    hint: str
    former: list[Former]
    roles: list[str]
    endpoints: list[str] | None
    upstreams: list[str] | None
    created: float
    rotated: float | None
    expires: float | None
    revoked: float | None


class RotatedKey(Key):
    key: str = Field(description="The secret; shown this once.")


class MintedKey(RotatedKey):
    warnings: list[str] = Field(description="What the grant names and nobody has declared.")


class Keys(BaseModel):
    object: str = "list"
    data: list[Key]


@router.post("/keys", status_code=201)
async def create_key(new: NewKey, who: Admin, running: Running) -> MintedKey:
    """Mint a key."""
    grant = Grant(**dict(new))

    def change(connection: Connection) -> MintedKey:
        warnings = unknown_names(connection, grant, running.refresher.snapshots.current.pools)
        secret, row = mint(connection, running.hasher, grant, who.owner or who.name)
        return MintedKey(key=secret, warnings=warnings, **shown(row))

    minted: MintedKey = await running.act(who, _minted, change)
    return minted


@router.get("/keys")
async def list_keys(who: Admin, running: Running) -> Keys:
    """Every key there was, newest last."""
    return Keys(data=[Key(**shown(row)) for row in await running.read(rows.list_all)])


@router.patch("/keys/{key_id}")
async def assign_key(key_id: str, new: Assignment, who: Admin, running: Running) -> Key:
    """Give a key another owner or another project. What it may do stays."""
    row = await running.act(
        who,
        lambda row: Act("keys.assign", f"key:{row.id}", "", {"owner": row.owner, "project": row.project}),
        lambda connection: assign(connection, key_id, new.owner, new.project, who.owner or who.name),
    )
    return Key(**shown(row))


@router.post("/keys/{key_id}/rotate")
async def rotate_key(key_id: str, rotation: Rotation, who: Admin, running: Running) -> RotatedKey:
    """Give a key another secret, beside those it has until the overlap ends. Its id and all that hangs on it stay."""
    lasting = rotation.overlap_seconds
    secret, row = await running.act(
        who,
        Act("keys.rotate", f"key:{key_id}", "", {"overlap_seconds": lasting}),
        lambda connection: rotate(connection, running.hasher, key_id, lasting, who.owner or who.name),
    )
    return RotatedKey(key=secret, **shown(row))


@router.delete("/keys/{key_id}")
async def revoke_key(key_id: str, who: Admin, running: Running) -> Key:
    """Revoke a key, with all its secrets. It is refused from now on."""

    def change(connection: Connection) -> None:
        if not rows.revoke(connection, key_id, time.time()):
            raise not_in_force(key_id)

    await running.act(who, Act("keys.revoke", f"key:{key_id}"), change)
    found = [row for row in await running.read(rows.list_all) if row.id == key_id]
    return Key(**shown(found[0]))


def _minted(made: MintedKey) -> Act:
    detail = {"name": made.name, "owner": made.owner, "roles": made.roles}
    return Act("keys.create", f"key:{made.id}", "", detail)
