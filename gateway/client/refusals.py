"""What a gateway's refusal is on the client's side: the same error that the gateway raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GatewayError,
    Internal,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unprocessable,
    UnsupportedMedia,
    UpstreamFailed,
    UpstreamTimeout,
)

KINDS: dict[int, type[GatewayError]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        TooLarge,
        UnsupportedMedia,
        Unprocessable,
        RateLimited,
        Internal,
        UpstreamFailed,
        Unavailable,
        UpstreamTimeout,
    )
}
"""By status. What a reply's code says more exactly is left to `error.code`."""
PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Statuses after which trying again may help, where the reply does not say whether it does."""


def refusal(status: int, headers: Mapping[str, str], body: Any) -> GatewayError:
    """The error that a reply tells, with the call's id as `request_id`. A reply that is not a gateway's, as an HTML
    page of a proxy, is `Unavailable`."""
    told = body.get("error") if isinstance(body, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("message"), str):
        message = f"The reply, of status {status}, is not a gateway's. Is one there?"
        return Unavailable(message, code="gateway_unreachable")
    kind = KINDS.get(status, BadRequest if status < 500 else Internal)
    error = kind(told["message"], param=told.get("param"), code=told.get("code"), retry_after=_retry_after(headers))
    error.request_id = headers.get("x-request-id")
    return error


def unreachable(url: str, cause: Exception) -> Unavailable:
    """No reply came."""
    said = f"{type(cause).__name__}: {cause}".rstrip(": ")
    return Unavailable(f"No gateway answers at {url} ({said}).", code="gateway_unreachable")


def may_pass(status: int, headers: Mapping[str, str]) -> bool:
    """Whether the same call may be answered if it is made again soon."""
    told = headers.get("x-should-retry")
    return told == "true" if told is not None else status in PASSING


def _retry_after(headers: Mapping[str, str]) -> float | None:
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / scale)
        except (KeyError, ValueError):
            continue
    return None
