"""Where the header fields that prove who we are to an upstream come from: a fixed key, or a token that is renewed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

import orjson

from gateway.errors import GatewayError, UpstreamFailed
from gateway.http.base import HttpClient, Target, Timeouts

Fields = tuple[tuple[bytes, bytes], ...]

RENEW_BEFORE = 300.0
"""Seconds before its end in which a token is renewed while the old one still serves."""
PATIENCE = Timeouts(5, 10, 10, 10)
FEDERATED = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METADATA_SERVICE = "http://169.254.169.254"


class Credential(Protocol):
    """`current` are the fields to send now, without waiting; None where `fields` must be awaited first."""

    @property
    def current(self) -> Fields | None: ...

    async def fields(self) -> Fields:
        """Raises `UpstreamFailed`, code `upstream_credentials`."""
        ...

    async def close(self) -> None: ...


def unsaid(body: bytes, fields: Fields) -> bytes:
    """What an upstream said, without the fields it was sent: there are some that quote them in their errors."""
    for _, value in fields:
        secret = value.removeprefix(b"Bearer ")
        body = body.replace(secret, b"[secret]") if secret else body
    return body


class StaticKey:
    """A key in a header: a bearer in `authorization`, bare in any other."""

    def __init__(self, name: str, value: str) -> None:
        shown = f"Bearer {value}" if name.lower() == "authorization" else value
        try:
            self.current: Fields | None = ((name.lower().encode("ascii"), _in_header(shown)),)
        except ValueError as error:
            message = "An upstream's key holds characters that do not belong in a header."
            raise UpstreamFailed(message, code="upstream_credentials") from error

    async def fields(self) -> Fields:
        assert self.current is not None
        return self.current

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class EntraConfig:
    """Microsoft Entra ID. With `client_secret` or `token_file` the client-credentials flow (RFC 6749, section 4.4; the
    file holds a federated assertion, RFC 7523); with neither, the machine's managed identity."""

    tenant_id: str = ""
    client_id: str = ""
    client_secret: str | None = None
    token_file: Path | None = None
    authority: str = "https://login.microsoftonline.com"
    scope: str = "https://cognitiveservices.azure.com/.default"
    metadata: str = METADATA_SERVICE


class EntraToken:
    """A bearer token, renewed `RENEW_BEFORE` its end, one renewal at a time. While renewing fails, the old token
    serves until it ends; after that calls fail closed."""

    def __init__(self, config: EntraConfig, client: HttpClient) -> None:
        self._config = config
        self._client = client
        self._token: Fields | None = None
        self._ends = 0.0
        self._renewing: asyncio.Task[None] | None = None

    @property
    def current(self) -> Fields | None:
        return self._token if time.monotonic() < self._ends - RENEW_BEFORE else None

    async def fields(self) -> Fields:
        if self.current is not None:
            return self.current
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        alive = self._token is not None and time.monotonic() < self._ends
        if not alive:
            await asyncio.shield(self._renewing)
        else:
            self._renewing.add_done_callback(_seen)
        assert self._token is not None
        return self._token

    async def close(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()

    async def _renew(self) -> None:
        target, form = self._request()
        try:
            reply = await self._client.send(target, form, PATIENCE)
            body = await reply.read()
        except GatewayError as error:
            message = f"No token for the upstream: {error.message}"
            raise UpstreamFailed(message, code="upstream_credentials") from error
        try:
            granted = orjson.loads(body)
            token, lasts = _in_header(f"Bearer {granted['access_token']}"), float(granted["expires_in"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            message = f"No token for the upstream: the token service answered with status {reply.status}."
            raise UpstreamFailed(message, code="upstream_credentials") from error
        self._token = ((b"authorization", token),)
        self._ends = time.monotonic() + lasts

    def _request(self) -> tuple[Target, bytes]:
        config = self._config
        if config.client_secret is None and config.token_file is None:
            query = {"api-version": "2018-02-01", "resource": config.scope.removesuffix("/.default")}
            if config.client_id:
                query["client_id"] = config.client_id
            url = f"{config.metadata}/metadata/identity/oauth2/token?{urlencode(query)}"
            return Target(url, ((b"metadata", b"true"),), "GET"), b""
        form = {"grant_type": "client_credentials", "client_id": config.client_id, "scope": config.scope}
        if config.client_secret is not None:
            form["client_secret"] = config.client_secret
        elif config.token_file is not None:
            form["client_assertion_type"] = FEDERATED
            form["client_assertion"] = self._assertion(config.token_file)
        url = f"{config.authority.rstrip('/')}/{config.tenant_id}/oauth2/v2.0/token"
        return Target(url, ((b"content-type", b"application/x-www-form-urlencoded"),)), urlencode(form).encode()

    def _assertion(self, path: Path) -> str:
        try:
            return path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            message = "The federated token file cannot be read, or holds no token. The gateway's operator must mend it."
            raise UpstreamFailed(message, code="upstream_credentials") from error


def _in_header(value: str) -> bytes:
    """Raises `ValueError` for what would not stay in one header field."""
    if not (value.isascii() and value.isprintable()):
        raise ValueError("not a header's value")
    return value.encode("ascii")


def _seen(task: asyncio.Task[None]) -> None:
    """A renewal that failed while the old token still serves is tried again with the next call."""
    if not task.cancelled():
        task.exception()
