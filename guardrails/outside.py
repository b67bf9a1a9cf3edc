"""Asking servers that others run, for the guards whose policies name one.

Where to is said by the policy alone, never by a text that is judged. Secrets that a server wants come from the
environment, and only from variables that are there for guards: who may write a policy cannot send others away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol, runtime_checkable
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from guardrails import environment
from guardrails.errors import NotRun
from guardrails.guard import Models

REFERENCE = "env:"


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is JSON. An answer of more than `most` bytes is none; `budget` are the seconds that one is waited for."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    most: int
    budget: float


@runtime_checkable
class Outside(Protocol):
    """What is lent to guards that ask a server of others."""

    async def post(self, request: Request) -> bytes:
        """The body of an answer with a status of 200 to 299. Raises `NotRun` where there is none: the server cannot be
        reached, says another status, redirects, breaks off, says too much, or is asked by too many already."""


def outside(models: Models) -> Outside:
    """What a guard was lent, as what it can ask servers with. Raises `NotRun` where it is only models."""
    if not isinstance(models, Outside):
        raise NotRun("nothing was lent to it that servers can be asked with")
    return models


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        bad = not parts.hostname or parts.username is not None or parts.fragment != "" or parts.port == 0
    except ValueError:
        bad = True
    if bad or not value.isascii() or any(sign <= " " for sign in value):
        raise ValueError("write an address, as https://guard.example/check; secrets belong under `headers`")
    return value


Address = Annotated[str, Field(max_length=2000, pattern=r"^https?://"), AfterValidator(_address)]


def _reference(value: str) -> str:
    if not re.fullmatch(r"env:GUARD_[A-Z0-9_]{1,100}", value):
        raise ValueError("name the variable that holds it, as env:GUARD_EXAMPLE_KEY: a policy never holds a secret")
    return value


Reference = Annotated[str, AfterValidator(_reference)]
"""`env:GUARD_…`: what stands in a variable of the environment whose name says that guards may have it."""


NOT_ITS_OWN = frozenset(("connection", "content-length", "content-type", "host", "transfer-encoding"))
"""What every request has already."""


def _header(value: str) -> str:
    if value.lower() in NOT_ITS_OWN:
        raise ValueError(f"{value} is not for a policy to say")
    return value


Header = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$"), AfterValidator(_header)]


def check_encrypted(url: str, allow_http: bool) -> None:
    """Raises `ValueError` for an address in the clear that nobody has allowed."""
    if url.startswith("http:") and not allow_http:
        raise ValueError("texts would go there unencrypted: write https://, or `allow_http: true` inside a network")


def secret(reference: str) -> str:
    """What a reference stands for. Raises `NotRun` where it is not set, or is nothing that a header can hold."""
    name = reference.removeprefix(REFERENCE)
    found = environment.for_guards(name)
    if found is None:
        raise NotRun(f"the variable {name} is not set", "missing")
    if not all(" " <= sign <= "~" for sign in found):
        raise NotRun(f"the variable {name} holds what no header can", "missing")
    return found
