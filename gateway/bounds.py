"""What a call may take at most: what is reserved of its limits before it is asked for.

A token is at least one byte of text, so the bytes of a request bound its tokens, whatever the tokenizer. What is given
by reference (an image's address, a file's id) is bounded by a figure for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from gateway.amounts import Allowance, Amounts
from gateway.pricing import Price, cost
from gateway.routing import Pool
from gateway.types import Json, Operation, Usage
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
    if not any(allowance.tokens_per_minute or allowance.budget for allowance in allowances):
        return Amounts()
    price = _dearest(pool)
    given = _input(call.body)
    made = _output(call.body, operation, pool, allowances, price)
    usage = Usage(input=given, output=made)
    return Amounts(tokens=given + made, money=cost(price, usage))


def _input(body: Json) -> int:
    found = len(orjson.dumps(body)) + TEMPLATE_TOKENS
    if body.get("tools"):
        found += TOOLS_TOKENS
    for message in body.get("messages") or ():
        content = message.get("content")
        if isinstance(content, list):
            found += REFERENCE_TOKENS * sum(part.get("type") not in ("text", "refusal") for part in content)
    return found


def _output(body: Json, operation: Operation, pool: Pool, allowances: Sequence[Allowance], price: Price | None) -> int:
    field = CAP.get(operation)
    if field is None:
        return 0
    choices: int = max(body.get("n") or 1, body.get("best_of") or 1)
    named: list[int] = [
        most for name in ("max_completion_tokens", "max_tokens") if (most := body.get(name)) is not None
    ]
    if not named:
        body[field] = _fair(pool, allowances, price)
        named.append(body[field])
    return max(named) * choices


def _fair(pool: Pool, allowances: Sequence[Allowance], price: Price | None) -> int:
    """Tokens of an answer whose call names no maximum."""
    most = min(upstream.max_output for upstream in (*pool.members, *pool.fallbacks))
    for allowance in allowances:
        if allowance.tokens_per_minute is not None:
            most = min(most, allowance.tokens_per_minute // SHARE)
        if allowance.budget is not None and price is not None and price.output:
            most = min(most, allowance.budget * 1_000_000 // (price.output * SHARE))
    return max(most, LEAST_CAP)


def _dearest(pool: Pool) -> Price | None:
    """The highest of each price among the upstreams that may come to answer."""
    prices = [u.price for u in (*pool.members, *pool.fallbacks) if u.price is not None]
    if not prices:
        return None
    return Price(
        input=max(max(price.input, price.cached_input or 0) for price in prices),
        output=max(max(price.output, price.reasoning or 0) for price in prices),
    )
