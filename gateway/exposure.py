"""No gateway is reachable from other machines while a secret of its own is one that everybody knows.

The pepper makes a stolen database worthless, and passwords guard the database and Redis. An example's value, or one
that can be guessed, guards nothing; it may serve on this machine only, for trying things out.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from gateway.errors import Unavailable
from gateway.settings import Settings

KNOWN = frozenset(
    "admin change-me change_me changeme default example guest letmein master mysecret pass passw0rd password pepper"
    " postgres redis root secret sk-1234 sluice sluicegate test your-secret-here".split()
)
"""What documentation, images and tutorials write, in small letters."""
PEPPER_LENGTH = 16
"""Characters; `openssl rand -hex 32` makes 64."""
PEPPER_VARIETY = 6
"""Different characters."""


def refuse_known_secrets(settings: Settings) -> None:
    """Raises `Unavailable` where the gateway would listen beyond this machine with a secret that is none."""
    if _loopback(settings.server.host):
        return
    faults = list(_faults(settings))
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        message = f"Not listening on {settings.server.host} with a secret that everybody knows:\n{listed}\n"
        raise Unavailable(f"{message}Or listen on this machine only: --host 127.0.0.1", code="default_secret")


def _faults(settings: Settings) -> Iterator[str]:
    if settings.secret is not None and _guessable(settings.secret.read()):
        yield "`secret` is short or an example: make one with `openssl rand -hex 32`, then mint the keys anew"
    if _known_password(settings.database):
        yield "the password in `database` is an example: choose another, in PostgreSQL too"
    if _known_password(settings.state.read_url()):
        yield "the password in `state.url` is an example: choose another, in Redis too"


def _guessable(pepper: str) -> bool:
    short = len(pepper) < PEPPER_LENGTH or len(set(pepper)) < PEPPER_VARIETY
    return short or any(pepper.lower().replace(word, "") == "" for word in KNOWN)


def _known_password(url: str | None) -> bool:
    """A URL without a password is proven otherwise: by `PGPASSWORD`, a socket's owner, a certificate."""
    password = urlsplit(url).password if url is not None else None
    return password is not None and unquote(password).lower() in KNOWN


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
