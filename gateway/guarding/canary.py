"""Canaries: a text at the end of the system prompt which no model says but one that gives the prompt away."""

from __future__ import annotations

import hmac

from gateway.types import Json
from guardrails.guards.leakage import Leakage
from guardrails.policy import Policy

DIGITS = 24
"""Hex digits: 96 bits."""
SYSTEM = frozenset(("system", "developer"))


def wanted(policy: Policy, tenant: str | None) -> bool:
    """Whether a guard of this policy looks for one."""
    guards = (*policy.at("output", tenant), *policy.at("tool_calls", tenant))
    return any(isinstance(guard, Leakage) and guard.canary for guard in guards)


def token(key: bytes, release: str) -> str:
    """The canary of a release, by its digest. It is the same in all of its calls: another in each would make every
    prompt another from its beginning on, and no provider's prompt cache would ever know one."""
    return hmac.digest(key, b"canary\0" + release.encode(), "sha256").hex()[:DIGITS]


def placed(body: Json, canary: str) -> Json | None:
    """The body with the canary at the end of its first system message, as a comment, which nobody has a reason to
    repeat; None where there is no system message, and so nothing to give away."""
    text = f"\n\n<!-- {canary} -->"
    for number, message in enumerate(body["messages"]):
        if message["role"] not in SYSTEM:
            continue
        content = message.get("content")
        held = content + text if isinstance(content, str) else [*(content or ()), {"type": "text", "text": text}]
        messages = [*body["messages"]]
        messages[number] = {**message, "content": held}
        return {**body, "messages": messages}
    return None
