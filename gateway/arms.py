"""Which arm of a rollout answers a call: drawn by a digest of what is to stay on one arm, so that every replica draws
the same, nothing is kept, and a larger weight only adds to who is on the candidate. Pure functions of data.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal

import msgspec
import orjson

from gateway.releases.resolve import Trial
from gateway.types import Principal
from gateway.wire.surface import Call

Arm = Literal["live", "candidate", "shadow"]

Parts = tuple[bytes, ...]
"""What names a unit, from the kind of name it is to the name."""

CONVERSATION = b"x-sluice-conversation"
"""The header field with which a client names the conversation that a call belongs to."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """A call's place in a rollout, as its record tells. Without `step` and `unit` it was not drawn: it asked for the
    candidate by name, and says nothing about it. `pair` is the call that a shadow's is the twin of."""

    rollout: str | None = None
    arm: Arm | None = None
    step: int | None = None
    unit: str | None = None
    pair: str | None = None


NOWHERE = Place()


def draw(trial: Trial, call: Call, principal: Principal, headers: Mapping[bytes, bytes], call_id: str) -> Place:
    """The arm of a canary that answers this call. Called before a release is laid over it."""
    unit = unit_of(trial, call, principal, headers, call_id)
    return Place(trial.rollout, "candidate" if point(unit) < trial.weight else "live", trial.step, unit)


def sampled(trial: Trial, call_id: str) -> bool:
    """Whether the candidate is asked for this call's twin, in the shadow stage."""
    return point(_digest(trial.salt, (b"twin", call_id.encode()))) < trial.sample


def unit_of(trial: Trial, call: Call, principal: Principal, headers: Mapping[bytes, bytes], call_id: str) -> str:
    """16 hex digits for what stays on one arm. Those of two rollouts have nothing to do with each other."""
    key: Parts = (b"key", principal.key_id.encode())
    match trial.unit:
        case "call":
            again = headers.get(b"idempotency-key")  # the same call, sent again
            return _digest(trial.salt, (*key, call_id.encode() if again is None else again))
        case "key":
            return _digest(trial.salt, key)
        case "user":
            return _digest(trial.salt, _user(call, principal) or key)
        case "conversation":
            named = _named(call, principal, headers) or _user(call, principal)
            return _digest(trial.salt, named or _opening(call, principal))


def point(unit: str) -> float:
    """Where a unit lies in [0, 1): evenly spread, whatever the units are."""
    return (int(unit, 16) >> 11) / 2**53


def _named(call: Call, principal: Principal, headers: Mapping[bytes, bytes]) -> Parts | None:
    """The conversation as the client names it."""
    name = headers.get(CONVERSATION)
    if name is None:
        given = call.asked.get("metadata")
        told = given.get("conversation_id") if type(given) is dict else None
        name = told.encode() if type(told) is str else None
    return (b"conversation", _tenant(principal), name) if name else None


def _user(call: Call, principal: Principal) -> Parts | None:
    """The end user the client names."""
    user = call.body.get("safety_identifier") or call.body.get("user")
    return (b"user", _tenant(principal), str(user).encode()) if user else None


def _opening(call: Call, principal: Principal) -> Parts:
    """What a conversation began with stays in it, also where it is sent again with every turn. A cache key tells apart
    those that begin alike; alone it is no name for a conversation, for many clients have one for all of theirs."""
    body = call.body
    first = next((one.get("content") for one in body.get("messages") or () if one["role"] == "user"), None)
    given = call.prompt.variables if call.prompt is not None else body.get("prompt") or body.get("input")
    opening = orjson.dumps([first, given], option=orjson.OPT_SORT_KEYS)
    return (b"opening", _tenant(principal), str(body.get("prompt_cache_key") or "").encode(), opening)


def _tenant(principal: Principal) -> bytes:
    """Within which names of users and conversations mean the same."""
    of = principal.project
    return f"project {of}".encode() if of is not None else f"key {principal.key_id}".encode()


def _digest(salt: bytes, parts: Parts) -> str:
    digest = blake2b(key=salt, digest_size=8)
    for part in parts:
        digest.update(b"%d:%b" % (len(part), part))
    return digest.hexdigest()
