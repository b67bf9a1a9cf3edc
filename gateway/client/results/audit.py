"""The audit log."""

from __future__ import annotations

from msgspec import Struct

from gateway.types import Json


class AuditEntry(Struct, frozen=True):
    """What was done, to what, by whom."""

    seq: int
    at: float
    actor: str
    key_id: str | None
    action: str
    object: str
    reason: str
    detail: Json
    hash: str


class AuditCheck(Struct, frozen=True):
    """`seq` and `wrong` tell of the first entry that is not as it was written; None where the log holds."""

    entries: int
    seq: int | None
    wrong: str | None
    public_key: str
