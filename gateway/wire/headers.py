"""Header fields that have a meaning between clients, gateway and upstreams."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import GatewayError, MethodNotAllowed
from gateway.http.base import Headers, Reply


def lines(headers: Headers) -> bytes:
    """Header fields as they stand on the wire, each ended by CRLF."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def limits_of(reply: Reply) -> bytes:
    """The upstream's rate-limit fields, which clients read to pace themselves."""
    found = b""
    for name, value in reply.headers:
        if name.startswith(b"x-ratelimit-"):
            found += b"%b: %b\r\n" % (name, value)
    return found


def refusal_headers(error: GatewayError) -> Headers:
    """What the official SDKs read to decide whether, and when, to try again."""
    headers: Headers = [(b"x-should-retry", b"true" if error.retryable else b"false")]
    if error.retry_after is not None:
        headers.append((b"retry-after-ms", b"%d" % round(error.retry_after * 1000)))
        headers.append((b"retry-after", b"%d" % max(1, round(error.retry_after))))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allow).encode("latin-1")))
    return headers


def idempotency(headers: Mapping[bytes, bytes]) -> bytes:
    """The client's idempotency key for the upstream, ended by CRLF: the SDKs send the same one with every retry."""
    key = headers.get(b"idempotency-key")
    return b"" if key is None or len(key) > 255 else b"idempotency-key: %b\r\n" % key
