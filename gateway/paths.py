"""Paths of the API as those who ask it write them: a name is one segment of a path, whatever it is made of."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from gateway.errors import BadRequest
from gateway.prompts.names import RESERVED

UP = frozenset((".", ".."))
"""What HTTP clients take out of a path, with what is before it."""


def base(url: str) -> str:
    """What paths are laid after. Raises `BadRequest` for what is no URL of HTTP."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        message = f"A gateway's URL begins with http:// or https://, as http://127.0.0.1:8080; this is {url[:200]!r}."
        raise BadRequest(message, param="url", code="invalid_value")
    return url.rstrip("/")


def segment(name: str | int) -> str:
    """Stays one segment, and this name."""
    text = str(name)
    return text.replace(".", "%2E") if text in UP else quote(text, safe="")


def folders(prompt: str) -> str:
    """The name of a prompt, whose folders are segments. Raises `BadRequest` for what would lead to another route."""
    steps = prompt.split("/")
    if not all(steps) or UP.intersection(steps) or RESERVED.intersection(steps):
        raise BadRequest(f"{prompt!r} is no name of a prompt.", param="name", code="invalid_value")
    return "/".join(map(segment, steps))
