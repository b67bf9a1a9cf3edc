"""What an upstream's error reply means for our client.

The client's faults stay the client's, with the upstream's own words. Faults of ours (a wrong key, a model that is not
there) become a 502 whose message tells nothing about our credentials: an upstream may quote them. What looks like a
secret is taken out of every message.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import orjson

from gateway.errors import (
    BadRequest,
    ContextLength,
    GatewayError,
    RateLimited,
    TooLarge,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
)
from gateway.http.base import Headers, header
from gateway.redaction import Redactor

SECRETS = Redactor()
LONGEST_WAIT = 120.0
"""Seconds; the official SDKs do not wait longer, whatever they are told."""
MAX_MESSAGE = 1000
MAX_CODE = 100
CONTEXT_WORDS = ("maximum context length", "context length", "context size", "context window", "exceed_context_size")


def refused(status: int, body: bytes, headers: Headers) -> GatewayError:
    """The error for a reply of any status but 200."""
    error: dict[str, Any] = SECRETS.redact(_error_object(body)).value
    said = str(error.get("message") or "")[:MAX_MESSAGE]
    code = error.get("code")
    code = str(code)[:MAX_CODE] if code is not None and not isinstance(code, int) else None
    param = error.get("param") if isinstance(error.get("param"), str) else None
    if status in (400, 409, 422):
        if code == "context_length_exceeded" or any(word in said.lower() for word in CONTEXT_WORDS):
            return ContextLength(said, param=param)
        return BadRequest(said or "The upstream refused the request.", param=param, code=code)
    if status in (401, 403):
        message = f"The upstream refused the gateway's credentials (status {status}). Its operator must mend them."
        return UpstreamFailed(message, code="upstream_credentials")
    if status == 404:
        message = "The upstream does not know this model or path. The gateway's operator must mend its configuration."
        return UpstreamFailed(message, code="upstream_model_not_found")
    if status in (408, 504):
        return UpstreamTimeout("The upstream ran out of time.", code="upstream_timeout")
    if status == 413:
        return TooLarge(said or "The request is too large for the upstream.")
    if status == 429:
        return RateLimited(said or "The upstream is busy.", code=code, retry_after=retry_after(headers))
    message = f"The upstream answered with status {status}" + (f": {said}" if said else ".")
    return UpstreamRefused(
        message, upstream_status=status, error=error or None, code=code, retry_after=retry_after(headers)
    )


def retry_after(headers: Headers) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or a date), within 0 and `LONGEST_WAIT`."""
    exact, plain = header(headers, b"retry-after-ms"), header(headers, b"retry-after")
    wait: float | None = None
    if exact is not None:
        wait = _number(exact)
        wait = wait / 1000 if wait is not None else None
    if wait is None and plain is not None:
        wait = _number(plain)
        wait = _until(plain) if wait is None else wait
    return None if wait is None else min(max(wait, 0.0), LONGEST_WAIT)


def _number(value: bytes) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if number == number else None


def _until(value: bytes) -> float | None:
    try:
        return parsedate_to_datetime(value.decode("latin-1")).timestamp() - time()
    except ValueError:
        return None


def _error_object(body: bytes) -> dict[str, Any]:
    """The `error` of a JSON body in OpenAI's shape, or the nearest thing to it; empty for anything else."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(parsed, dict):
        return {}
    error = parsed.get("error", parsed.get("detail", parsed))
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, dict) else {}
