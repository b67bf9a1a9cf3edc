# Written by scripts/unasync.py; change gateway/client/asynchronous instead.
"""One gateway's HTTP API as JSON: asked again where that helps and does no harm."""

from __future__ import annotations

import random
import secrets
from typing import Any

import httpx

from gateway.client.concurrency import sleep
from gateway.client.refusals import may_pass, refusal, unreachable
from gateway.errors import GatewayError
from gateway.paths import base

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 8.0
"""Seconds between two attempts, unless the gateway says when to come back."""
CONNECT = 5.0
"""Seconds a connection may take, at most."""
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Transport:
    """`retries` are those after the first attempt. Raises `GatewayError` as the gateway told it, and `Unavailable` with
    the code `gateway_unreachable` where none answers; `BadRequest` for a `url` that can be none's."""

    def __init__(self, url: str, key: str, timeout: float, retries: int) -> None:
        self.url = base(url)
        self._retries = retries
        self._http = httpx.Client(
            headers={"authorization": f"Bearer {key}"}, timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT))
        )

    def get(self, path: str, **params: Any) -> Any:
        """Parameters of None are left out."""
        return self._ask("GET", path, True, params=_given(params))

    def post(self, path: str, body: Any = None, *, repeatable: bool = False) -> Any:
        """`repeatable` says that making the call twice comes to the same; otherwise it is made again only where it
        cannot have been made before. Either way each attempt carries the same `Idempotency-Key`."""
        headers = {"idempotency-key": secrets.token_hex(16)}
        return self._ask("POST", path, repeatable, json=body, headers=headers)

    def put(self, path: str, body: Any = None) -> Any:
        return self._ask("PUT", path, True, json=body)

    def patch(self, path: str, body: Any = None) -> Any:
        return self._ask("PATCH", path, True, json=body)

    def delete(self, path: str, **params: Any) -> Any:
        """Parameters of None are left out. Not made twice: the second would find nothing."""
        return self._ask("DELETE", path, False, params=_given(params))

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, repeatable: bool, **what: Any) -> Any:
        attempt = 0
        while True:
            attempt += 1
            try:
                reply = self._http.request(method, f"{self.url}{path}", **what)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                failure: GatewayError = unreachable(self.url, error)
                again = isinstance(error, NEVER_SENT) or (repeatable and isinstance(error, httpx.TransportError))
            else:
                body = _json(reply)
                if reply.is_success and body is not None:
                    return body
                failure = refusal(reply.status_code, reply.headers, body)
                again = may_pass(reply.status_code, reply.headers) and (repeatable or reply.status_code == 429)
            if not again or attempt > self._retries:
                raise failure
            sleep(_pause(attempt, failure.retry_after))


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _json(reply: httpx.Response) -> Any:
    """None for what is no JSON."""
    try:
        return reply.json()
    except ValueError:
        return None


def _pause(attempt: int, told: float | None) -> float:
    """Seconds: what the gateway told, or longer each time and never the same for two clients."""
    if told is not None:
        return min(told, LONGEST_PAUSE)
    longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
