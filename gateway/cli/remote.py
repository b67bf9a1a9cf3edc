"""How commands reach a running gateway: over HTTP, as whoever the key in `SLUICE_KEY` belongs to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.errors import BadRequest, GatewayError, Unavailable

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT = 60.0
"""Seconds an answer may take."""


class Remote:
    """A gateway's HTTP API, as JSON. Whatever it refuses is raised with its own words."""

    def __init__(self, url: str, key: str) -> None:
        import httpx  # commands that work on the database do without

        self._url = url
        self._client = httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=TIMEOUT)

    def get(self, path: str, **params: Any) -> Any:
        """Parameters of None are left out."""
        return self._ask("GET", path, params={name: value for name, value in params.items() if value is not None})

    def post(self, path: str, body: Any = None) -> Any:
        return self._ask("POST", path, json=body)

    def put(self, path: str, body: Any = None) -> Any:
        return self._ask("PUT", path, json=body)

    def delete(self, path: str) -> Any:
        return self._ask("DELETE", path)

    def close(self) -> None:
        self._client.close()

    def _ask(self, method: str, path: str, **what: Any) -> Any:
        import httpx

        try:
            reply = self._client.request(method, path, **what)
        except httpx.HTTPError as error:
            message = f"No gateway answers at {self._url} ({error}). Start one with `sluice serve`, or set SLUICE_URL."
            raise Unavailable(message, code="gateway_unreachable") from error
        try:
            said: Any = reply.json() if reply.content else None
            if reply.is_success:
                return said
            refusal = said["error"]
            raise GatewayError(refusal["message"], param=refusal["param"], code=refusal["code"])
        except (ValueError, KeyError, TypeError) as error:
            message = f"{self._url} answered {reply.status_code} to {method} {path}. Is a gateway there?"
            raise Unavailable(message, code="gateway_unreachable") from error


@contextmanager
def connect(url: str | None) -> Iterator[Remote]:
    """The gateway at `url`. Raises `BadRequest` where no key is set."""
    key = os.environ.get("SLUICE_KEY", "").strip()
    if not key.isascii() or not key:
        raise BadRequest("This goes through the gateway, as somebody: set SLUICE_KEY to your key.")
    remote = Remote(url or DEFAULT_URL, key)
    try:
        yield remote
    finally:
        remote.close()
