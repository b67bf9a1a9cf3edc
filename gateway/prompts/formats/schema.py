"""The variables of formats that have names for them and little more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.prompts.draft import PromptDraft
from gateway.prompts.template import Template
from gateway.types import Json

WHOLE = frozenset(("type", "properties", "required", "additionalProperties"))


def texts(names: Iterable[str], defaults: Mapping[str, Any] | None = None) -> Json:
    """The short form of variables that are texts; one with another default is whatever that is."""
    return {name: _text(name, defaults or {}) for name in sorted(names)}


def _text(name: str, defaults: Mapping[str, Any]) -> str | Json:
    if name not in defaults:
        return "string"
    default = defaults[name]
    return {"type": "string", "default": default} if isinstance(default, str) else {"default": default}


def lost_variables(draft: PromptDraft, carried: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What a schema says beyond that a text of this name is needed. `carried` are keywords that the format has."""
    said = []
    required = draft.variables.get("required", ())
    for name, schema in sorted(draft.variables.get("properties", {}).items()):
        lost = sorted(schema.keys() - {"type"} - carried)
        if schema.get("type", "string") != "string":
            lost.append(f"type {schema['type']!r}")
        if name not in required and "default" not in schema:
            lost.append("that it may be left out")
        if lost:
            said.append(f"variables.{name}: {', '.join(lost)}")
    others = sorted(draft.variables.keys() - WHOLE)
    if draft.variables.get("additionalProperties"):
        others.append("additionalProperties")
    return (*said, *(f"variables: {other}" for other in others))


def names_in(templates: Iterable[str], at: str) -> set[str]:
    """The variables that templates read. Raises `BadRequest` for one that does not compile."""
    return {name for template in templates for name in Template.compile(template, at).names}
