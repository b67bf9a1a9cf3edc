"""How commands reach a running gateway: over HTTP, as whoever the key in `SLUICE_KEY` belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from gateway.errors import BadRequest, Unauthenticated, Unavailable
from gateway.faults import BadSettings
from gateway.secret import Secret

if TYPE_CHECKING:
    from gateway.client.synchronous.transport import Transport

DEFAULT_URL = "http://127.0.0.1:8080"
KEY = Secret(reference="env:SLUICE_KEY")
TIMEOUT = 60.0
"""Seconds an answer may take."""


@contextmanager
def connect(url: str | None) -> Iterator[Transport]:
    """The API of the gateway at `url`, as JSON. Raises `BadRequest` where no key is set, and whatever the gateway
    refuses with its own words."""
    from gateway.client.synchronous.transport import Transport  # commands that work on the database do without

    key = _key()
    try:
        transport = Transport(url or DEFAULT_URL, key, TIMEOUT, retries=0)
    except BadRequest as error:
        raise BadRequest(f"{error.message} SLUICE_URL says so, or --url.", code=error.code) from error
    with closing(transport) as remote:
        try:
            yield remote
        except Unauthenticated as error:
            message = f"{error.message} This command asks as the key in SLUICE_KEY: is it whole, and for this gateway?"
            message += " Who administers the gateway can give you another."
            raise Unauthenticated(message, code=error.code) from error
        except Unavailable as error:
            if error.code != "gateway_unreachable":
                raise
            message = f"{error.message} Start one with `sluice serve`, or set SLUICE_URL."
            raise Unavailable(message, code=error.code) from error


def _key() -> str:
    try:
        key = KEY.read().strip()
    except BadSettings:
        key = ""
    if not key or not key.isascii():
        raise BadRequest("This goes through the gateway, as somebody: set SLUICE_KEY to your key.")
    return key
