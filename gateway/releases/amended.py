"""The guard policy of an endpoint with what people decided on its calls: made ready, and in force nowhere.

It begins with the policy that is live, takes in every decision that stands, and takes out what was decided and then
undone. So the last one that was made has all of them, and proposing it loses none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from gateway.errors import GatewayError
from gateway.releases.golive import endpoint_row
from gateway.releases.policies import in_force
from gateway.store import catalogue, policies, reviews
from gateway.store.reviews import Decision
from gateway.types import Json
from guardrails.errors import BadInput
from guardrails.guard import Guard
from guardrails.guards.examples import LONGEST
from guardrails.passage import STAGES
from guardrails.policy import Policy, parse

MOST_REASON = 1000
"""Characters of a rule's reason."""


@dataclass(frozen=True, slots=True)
class Amended:
    """`policy` is the digest of the changed policy; None where there is nothing to change, and `why` says so."""

    policy: str | None
    why: str = ""


def digest_of(text: str) -> str:
    """Of a passage, as allow rules name it."""
    return sha256(text.encode(errors="replace")).hexdigest()


def rule_of(decision: Decision) -> Json:
    """The allow rule that a decision asks for, as it stands in a policy."""
    named = {"guard": decision.guard, "sha256": decision.sha256, "tenant": decision.team}
    reason = decision.note or f"Let through by {decision.by}, of the call {decision.call}."
    return {**{name: value for name, value in named.items() if value is not None}, "reason": reason[:MOST_REASON]}


def amended(connection: Connection, endpoint: str | None, author: str) -> Amended:
    """Keep the changed policy, by its digest."""
    if endpoint is None:
        return Amended(None, "The call was to no endpoint: there is no policy to change.")
    try:
        live = live_policy(connection, endpoint)
    except GatewayError as error:
        return Amended(None, error.message)
    if live is None:
        return Amended(None, f"The live release of {endpoint!r} has no policy to change.")
    decided = reviews.of_endpoint(connection, endpoint)
    body = live.as_json()
    body["allow"] = _allowed(body["allow"], decided, {guard.called for guard in guards_of(live)})
    for stage in STAGES:
        for guard, written in zip(live.at(stage), body[stage], strict=True):
            if learns(guard):
                written["examples"] = _examples(written["examples"], decided, guard.called)
    try:
        made = parse(body)
    except BadInput as error:
        return Amended(None, f"No policy was made of it: {error.message}")
    if made.digest == live.digest:
        message = (
            f"The live policy of {endpoint!r} needs no change: it has all that was decided and that its guards take."
        )
        return Amended(None, message)
    policies.add(connection, made.digest, made.as_json(), author)
    return Amended(made.digest)


def live_policy(connection: Connection, endpoint: str) -> Policy | None:
    """Of the release that serves it. Raises `GatewayError` where there is no such endpoint, or it cannot be read."""
    live = endpoint_row(connection, endpoint).release
    release = catalogue.find_release(connection, live) if live is not None else None
    if release is None or release.policy is None:
        return None
    return in_force(release.policy, policies.find(connection, {release.policy}))


def guards_of(policy: Policy) -> list[Guard]:
    return [guard for stage in STAGES for guard in policy.at(stage)]


def learns(guard: Guard) -> bool:
    """Whether examples of texts that it should catch, or should not, can stand in its options."""
    return "examples" in type(guard).model_fields


def _allowed(rules: Iterable[Mapping[str, Any]], decided: Sequence[Decision], known: set[str]) -> list[Json]:
    """The rules, in order: each text is let through for one guard and one team once."""
    held = {(rule["sha256"], rule["guard"], rule["tenant"], rule["text"]): dict(rule) for rule in rules}
    for one in _undone_first(decided):
        key = one.sha256, one.guard, one.team, None
        if one.act != "allow" or one.guard not in known:
            continue
        if one.undone is not None:
            held.pop(key, None)
        else:
            held.setdefault(key, rule_of(one))
    return list(held.values())


def _examples(examples: Iterable[Mapping[str, Any]], decided: Sequence[Decision], guard: str) -> list[Json]:
    """The guard's examples, in order: what was decided last of a text is what it is. One that is longer than a guard
    takes is none of them, or no policy could be made any more."""
    held = {digest_of(example["text"]): dict(example) for example in examples}
    for one in _undone_first(decided):
        if one.act != "example" or one.guard != guard or one.sha256 is None:
            continue
        if one.undone is not None:
            held.pop(one.sha256, None)
        elif one.text is not None and len(one.text) <= LONGEST:
            held[one.sha256] = {"text": one.text, "attack": one.attack, "reason": one.note[:MOST_REASON]}
    return list(held.values())


def _undone_first(decided: Sequence[Decision]) -> list[Decision]:
    """What was undone of one call may stand of another."""
    return sorted(decided, key=lambda one: one.undone is None)
