"""The variables of formats that have names for them and little more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from gateway.prompts.draft import PromptDraft
from gateway.types import Json

WHOLE = frozenset(("type", "properties", "required", "additionalProperties"))
NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})


def declared(texts: Iterable[str], others: Iterable[str] = (), defaults: Mapping[str, Any] = NO_DEFAULTS) -> Json:
    """The short form of variables that are texts, but for the others, and for those with another default."""
    untyped = frozenset(others)
    return {name: _spec(name, untyped, defaults) for name in sorted(untyped.union(texts))}


def _spec(name: str, untyped: frozenset[str], defaults: Mapping[str, Any]) -> Json:
    default = {"default": defaults[name]} if name in defaults else {}
    is_text = name not in untyped and isinstance(defaults.get(name, ""), str)
    return {"type": "string", **default} if is_text else default


def properties_of(draft: PromptDraft) -> dict[str, Json]:
    """The schemas of its variables. One that is only `true` says nothing of its variable."""
    properties = draft.variables.get("properties", {})
    return {name: spec if isinstance(spec, dict) else {} for name, spec in properties.items()}


def lost_variables(draft: PromptDraft, carried: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What a schema says beyond that a text of this name is needed. `carried` are keywords that the format has."""
    said = []
    required = draft.variables.get("required", ())
    for name, schema in sorted(properties_of(draft).items()):
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
