"""What a call may take at most: what is reserved of its limits before it is asked for.

A token is at least one byte of text, so the bytes of a request bound its tokens, whatever the tokenizer. What is given
by reference (an image's address, a file's id) is bounded by a figure for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from gateway.amounts import Allowance, Amounts
from gateway.pricing import MILLION
from gateway.routing import Pool
from gateway.types import Json, Operation
from gateway.wire.surface import Call

CAP: dict[Operation, str] = {"chat": "max_completion_tokens", "completions": "max_tokens"}
"""The field with which a call names the most its answer may have."""
TEMPLATE_TOKENS = 64
"""What an upstream may add to any request, and to one with tools."""
TOOLS_TOKENS = 1024
REFERENCE_TOKENS = 16_384
"""For each part of a message that is not text."""
SHARE = 8
"""An answer whose call names no maximum may take one part in so many of a limit."""
LEAST_CAP = 256


def bound(call: Call, operation: Operation, pool: Pool, allowances: Sequence[Allowance]) -> Amounts:
    """The most this call can take of tokens and of money. A call that names no maximum is given one: without, it would
    have none."""
    for allowance in allowances:
        if allowance.tokens_per_minute is not None or allowance.budget is not None:
            break
    else:
        return Amounts()
    given = _input(call.body)
    made = _output(call.body, operation, pool, allowances)
    price = pool.dearest
    money = 0 if price is None else -(-(given * price.input + made * price.output) // MILLION)
    return Amounts(given + made, money)


def _input(body: Json) -> int:
    found = len(orjson.dumps(body)) + TEMPLATE_TOKENS
    if "tools" in body:
        found += TOOLS_TOKENS
    for message in body.get("messages") or ():
        content = message.get("content")
        if type(content) is list:
            found += REFERENCE_TOKENS * sum(part.get("type") not in ("text", "refusal") for part in content)
    return found


def _output(body: Json, operation: Operation, pool: Pool, allowances: Sequence[Allowance]) -> int:
    field = CAP.get(operation)
    if field is None:
        return 0
    most: int = max(body.get("max_completion_tokens") or 0, body.get("max_tokens") or 0)
    if not most:
        body[field] = most = _fair(pool, allowances)
    choices: int = max(body.get("n") or 1, body.get("best_of") or 1)
    return most * choices


def _fair(pool: Pool, allowances: Sequence[Allowance]) -> int:
    """Tokens of an answer whose call names no maximum."""
    most, price = pool.max_output, pool.dearest
    for allowance in allowances:
        if allowance.tokens_per_minute is not None:
            most = min(most, allowance.tokens_per_minute // SHARE)
        if allowance.budget is not None and price is not None and price.output:
            most = min(most, allowance.budget * MILLION // (price.output * SHARE))
    return max(most, LEAST_CAP)
