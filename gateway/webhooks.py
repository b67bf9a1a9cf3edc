"""Webhooks: which acts they tell of, and in what form. The form is Standard Webhooks (standardwebhooks.com, 1.0): each
message has an id that stays over all tries, and is signed with HMAC-SHA256 over `id.timestamp.body`."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from gateway.errors import BadRequest
from gateway.types import Json

PREFIX = "whsec_"
TOLERANCE = 300.0
"""Seconds a message may be old, or its sender's clock ahead: what is older may be somebody's replay."""

ACTS = (
    "audit.began", "breakglass.reviewed", "breakglass.used", "config.reload", "decision.recorded",
    "endpoint.rolled_back", "evidence.accepted", "gate.approved", "gate.in_force", "gate.proposed", "gate.refused",
    "gate.set", "keys.assign", "keys.create", "keys.revoke", "keys.rotate", "label.protected", "label.unprotected",
    "limits.remove", "limits.set", "projects.create", "projects.delete", "prompt.alias.set", "prompt.branch.closed",
    "prompt.branch.forked", "prompt.branch.merged", "prompt.commented", "prompt.label.moved", "prompt.label.removed",
    "prompt.label.unchanged", "prompt.version.created", "prompt.version.unchanged", "releases.apply", "releases.create",
    "retention.hold", "retention.lift", "review.decided", "review.undone", "rollout.abort", "rollout.aborted",
    "rollout.advance", "rollout.approved", "rollout.condition_met", "rollout.paused", "rollout.proposed",
    "rollout.rejected", "rollout.resumed", "rollout.submitted", "teams.create", "teams.delete", "webhooks.change",
    "webhooks.create", "webhooks.delete", "webhooks.disabled", "webhooks.redeliver", "webhooks.test",
)  # fmt: skip
"""Every act there is in the audit log."""
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: `id` is the same over all tries, and for all webhooks that are told of the same act."""

    id: str
    event: str
    body: str


def subscribes(events: Sequence[str], act: str) -> bool:
    """`events` holds whole names, beginnings up to a dot as `prompt.`, or `*`."""
    return any(event in (act, EVERYTHING) or (event.endswith(".") and act.startswith(event)) for event in events)


def known(event: str) -> bool:
    """Whether any act could ever be told of under it."""
    return any(subscribes([event], act) for act in ACTS)


def message(entry: Json) -> Message:
    """Of a row of the audit log."""
    told = {name: entry[name] for name in ("seq", "actor", "key_id", "object", "reason")}
    data = {**told, "detail": orjson.loads(entry["detail"])}
    return _message(f"evt_{entry['hash'][:24]}", entry["action"], entry["at"] / 1e6, data)


def trial(actor: str, webhook: str) -> Message:
    """What a test sends: an event of its own, `webhooks.tried`, that tells of nothing else."""
    return _message(f"evt_{os.urandom(12).hex()}", "webhooks.tried", time.time(), {"actor": actor, "object": webhook})


def _message(message_id: str, event: str, at: float, data: Json) -> Message:
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Message(message_id, event, orjson.dumps({"type": event, "timestamp": stamp, "data": data}).decode())


def new_secret() -> str:
    """32 random bytes, as Standard Webhooks writes them."""
    return PREFIX + b64encode(os.urandom(32)).decode()


def signed(secret: str, message_id: str, body: bytes, at: float) -> dict[str, str]:
    """The header fields that go with a message sent at this time."""
    stamp = str(int(at))
    signature = _signature(secret, message_id, stamp, body)
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> Json:
    """For who receives: the message, where `headers` and `body` are as this gateway sent them less than five minutes
    ago. The same `webhook-id` may come twice. Raises `BadRequest` for anything else; nothing in it is to be believed
    then."""
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp = given["webhook-id"], given["webhook-timestamp"]
        signatures = [one.partition(",") for one in given["webhook-signature"].split()]
        age = (time.time() if now is None else now) - int(stamp)
        right = _signature(secret, message_id, stamp, body)
    except (KeyError, ValueError) as error:
        message = "This is no signed message: it has no webhook-id, webhook-timestamp and webhook-signature to read."
        raise BadRequest(message, code="bad_signature") from error
    if not any(version == "v1" and hmac.compare_digest(one, right) for version, _, one in signatures):
        raise BadRequest("The signature is not that of this secret and this body.", code="bad_signature")
    if abs(age) > TOLERANCE:
        raise BadRequest(f"The message is {age:.0f} seconds old: it may be a replay.", code="bad_signature")
    found: Json = orjson.loads(body)
    return found


def _signature(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is whsec_ and base64") from error
    return b64encode(hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)).decode()
