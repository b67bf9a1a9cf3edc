"""The audit log: every administrative act and every decision, chained by hash and signed.

    hash = SHA-256(canonical JSON of the entry, the previous hash in it)        signature = Ed25519 over the hash

An entry that is edited, deleted, inserted or moved breaks the chain at a place that can be named. That the end was cut
off shows against a checkpoint, a signed `{seq, hash, at}` that is kept somewhere else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson
from sqlalchemy import Connection

from gateway.errors import BadRequest
from gateway.signing import Signer, verify
from gateway.store import audit
from gateway.types import Json

GENESIS = "0" * 64
"""What the first entry has for a previous hash."""
OPENING = "audit.began"
"""The first entry's action; it names the public key."""


@dataclass(frozen=True, slots=True)
class Act:
    """What was done, to what: `keys.create` to `key:key_ab12`. `detail` holds digests and names, never secrets or what
    was said in calls."""

    action: str
    object: str
    reason: str = ""
    detail: Json = field(default_factory=dict)


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the log. `at` is Unix time in microseconds, `detail` canonical JSON; `key` is the id of the key that
    signed."""

    seq: int
    at: int
    actor: str
    key_id: str | None
    action: str
    object: str
    reason: str
    detail: str
    previous: str
    hash: str
    signature: str

    def digest(self) -> str:
        """What its hash must be."""
        held = msgspec.to_builtins(self)
        del held["hash"], held["signature"]
        return hashlib.sha256(orjson.dumps(held, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def genuine(self, public: str) -> bool:
        """Whether it is as the holder of that key wrote it; what stands before and after it is not looked at."""
        return self.digest() == self.hash and verify(public, b"audit:" + self.hash.encode(), self.signature)


def entry_of(row: Json) -> Entry:
    """Raises `BadRequest` for what is no entry of a log."""
    try:
        return msgspec.convert(row, Entry)
    except msgspec.ValidationError as error:
        raise BadRequest(f"This is no entry of an audit log: {error}.", code="invalid_value") from error


class Auditor:
    """Appends to the log, in the transaction of what is done: an act without its entry does not happen."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def append(self, connection: Connection, actor: str, key_id: str | None, act: Act) -> Entry:
        """One writer at a time; the others wait for its transaction to end."""
        head = audit.lock(connection)
        if head is not None:
            return self._write(connection, head.seq + 1, head.hash, actor, key_id, act)
        opening = Act(OPENING, "audit", "", {"public_key": self._signer.public, "key_id": self._signer.key_id})
        first = self._write(connection, 1, GENESIS, "sluicegate", None, opening)
        return self._write(connection, 2, first.hash, actor, key_id, act)

    def checkpoint(self, connection: Connection) -> Json | None:
        """A signed statement of where the log stands, to be kept elsewhere; None while there is nothing in it."""
        head = audit.last(connection)
        if head is None:
            return None
        held = {"seq": head.seq, "hash": head.hash, "at": time.time(), "public_key": self._signer.public}
        return {**held, "signature": self._signer.sign(b"checkpoint:" + _canonical(held))}

    def _write(
        self, connection: Connection, seq: int, previous: str, actor: str, key_id: str | None, act: Act
    ) -> Entry:
        detail = _canonical(act.detail).decode()
        blank = Entry(
            seq, time.time_ns() // 1000, actor, key_id, act.action, act.object, act.reason, detail, previous, "", ""
        )
        digest = blank.digest()
        entry = msgspec.structs.replace(blank, hash=digest, signature=self._signer.sign(b"audit:" + digest.encode()))
        audit.add(connection, msgspec.to_builtins(entry))
        return entry


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong` says in words what is the matter with entry `seq`, the first that is not as it was written; both are None
    where the whole log holds. `entries` were looked at."""

    entries: int
    seq: int | None = None
    wrong: str | None = None


def check(rows: Iterable[Json], public: str, checkpoint: Json | None = None) -> Verdict:
    """Whether these, in their order, are a whole log signed by the holder of `public`, and, with a checkpoint, reach at
    least as far as it. Needs nothing but what it is given; a row that is no entry at all is wrong like any other."""
    previous, count, named = GENESIS, 0, None
    for row in rows:
        count += 1
        try:
            entry = entry_of(row)
        except BadRequest:
            return Verdict(count, count, "it is no entry of a log")
        if (wrong := _wrong(entry, count, previous, public)) is not None:
            return Verdict(count, entry.seq, wrong)
        previous = entry.hash
        if checkpoint is not None and entry.seq == checkpoint.get("seq"):
            named = entry.hash
    return Verdict(count) if checkpoint is None else _against(checkpoint, count, named, public)


def _wrong(entry: Entry, seq: int, previous: str, public: str) -> str | None:
    """What is the matter with an entry where number `seq` is expected."""
    if entry.seq != seq:
        return f"entry {seq} is not there: the next one is {entry.seq}"
    if entry.previous != previous:
        return "it does not follow the entry before it"
    if entry.digest() != entry.hash:
        return "it was changed"
    if not verify(public, b"audit:" + entry.hash.encode(), entry.signature):
        return "it was not signed by this installation"
    if seq == 1 and (entry.action != OPENING or orjson.loads(entry.detail).get("public_key") != public):
        return "it is not how a log of this installation begins"
    return None


def _against(checkpoint: Json, count: int, named: str | None, public: str) -> Verdict:
    held = {name: value for name, value in checkpoint.items() if name != "signature"}
    if not verify(public, b"checkpoint:" + _canonical(held), str(checkpoint.get("signature"))):
        return Verdict(count, None, "the checkpoint was not signed by this installation")
    if named is None:
        return Verdict(count, count + 1, f"the log ends at {count}, before its checkpoint at {checkpoint['seq']}")
    if named != checkpoint["hash"]:
        return Verdict(count, checkpoint["seq"], "it is not the entry that the checkpoint names")
    return Verdict(count)


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
