"""The formats by name, and which of them a file is in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.errors import BadRequest
from gateway.prompts.formats import dotprompt, langchain, langfuse, openai, yaml
from gateway.prompts.formats.base import Format
from gateway.prompts.formats.source import parse_json

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "dotprompt": dotprompt,
        "langchain": langchain,
        "langfuse": langfuse,
        "openai": openai,
        "yaml": yaml,
    }
)


def called(name: str) -> Format:
    """Raises `BadRequest` for a name that is none."""
    if name not in FORMATS:
        message = f"{name[:80]!r} is no format; there are {', '.join(FORMATS)}."
        raise BadRequest(message, param="format", code="invalid_value")
    return FORMATS[name]


def guessed(text: str, suffix: str) -> str:
    """The format of a file whose name ends so. Raises `BadRequest` for JSON that is none."""
    if suffix == ".prompt":
        return "dotprompt"
    if suffix in (".yaml", ".yml"):
        return "yaml"
    found = parse_json(text)
    one = found[0] if isinstance(found, list) and found else found
    if isinstance(one, dict) and isinstance(one.get("data"), list) and one["data"]:
        one = one["data"][0]
    keys = one.keys() if isinstance(one, dict) else frozenset()
    if "lc" in keys or "_type" in keys:
        return "langchain"
    if keys & {"input", "instructions", "messages"}:
        return "openai"
    if "prompt" in keys:
        return "langfuse"
    message = f"What format this is does not show; say which of {', '.join(FORMATS)}."
    raise BadRequest(message, param="format", code="invalid_value")
