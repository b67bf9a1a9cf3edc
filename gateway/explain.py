"""From what validation found wrong with the settings to faults with a place, and what was perhaps meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from evals.strict_yaml import Document
from gateway.faults import Fault
from gateway.settings import Settings

Keys = tuple[str | int, ...]

MISSING = "missing"
PLAIN = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "path_type": "a path",
    "string_type": "text",
    "tuple_type": "a list",
}
"""What belongs where something of another kind was found."""


def explain(error: ValidationError, document: Document | None, file: str, variables: Mapping[Keys, str]) -> list[Fault]:
    """Every fault, in the order of the file. `variables` are those laid over the file, by the keys they set."""
    faults = []
    for fault in error.errors(include_input=False, include_url=False):
        variable = variables.get(fault["loc"])
        if variable is not None:
            faults.append(Fault(_what(fault), ".".join(map(str, fault["loc"])), f"${variable}"))
            continue
        keys = _keys(fault, document)
        shown = ".".join(_shown(step) for step in keys)
        faults.append(Fault(_what(fault), shown, file, document.line(keys) if document is not None else None))
    return sorted(faults, key=lambda fault: fault.line or 0)


def _keys(fault: ErrorDetails, document: Document | None) -> Keys:
    """The keys as the file has them. Between them, validation names the kind of upstream it chose, and the parts of a
    key or of a secret; only a key that is missing may lead where nothing is."""
    keys: Keys = ()
    for position, step in enumerate(fault["loc"], 1):
        absent = fault["type"] == MISSING and position == len(fault["loc"])
        if absent or document is None or document.holds((*keys, step)):
            keys = (*keys, step)
    return keys


def _what(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            return f"unknown key{_perhaps(str(fault['loc'][-1]), _names(Settings, fault['loc'][:-1]))}"
        case "missing":
            return "this key is required"
        case "union_tag_not_found":
            return "`provider` is required: it says of which kind the upstream is"
        case "union_tag_invalid":
            kinds = [kind.strip("'") for kind in context["expected_tags"].split(", ")]
            return f"unknown provider{_perhaps(context['tag'], kinds)}; known are {', '.join(kinds)}"
        case "string_pattern_mismatch" if fault["loc"][-1] == "[key]":
            return "a name is of small letters, digits, `.`, `_` and `-`"
        case "value_error":
            return str(context["error"])
    if fault["type"] in PLAIN:
        return f"{PLAIN[fault['type']]} belongs here"
    return fault["msg"][:1].lower() + fault["msg"][1:]


def _perhaps(given: str, known: Iterable[str]) -> str:
    near = get_close_matches(given.lower(), list(known), 1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _shown(step: str | int) -> str:
    """A key. One with a colon in it is a key and its value without a space between them; the value may be a secret."""
    name, colon, _ = str(step).partition(":")
    return f"{name}:…" if colon else name


def _names(kind: Any, loc: Keys) -> Iterable[str]:
    """The keys known at a place of the settings."""
    for step in loc:
        kind = _inside(kind, step)
    models = [part for part in _parts(kind) if isinstance(part, type) and issubclass(part, BaseModel)]
    return [name for model in models for name in model.model_fields]


def _inside(kind: Any, step: str | int) -> Any:
    """The type of what `step` leads to. A step that names a kind of upstream chooses among those of a union."""
    for part in _parts(kind):
        if isinstance(part, type) and issubclass(part, BaseModel):
            if step in part.model_fields:
                return part.model_fields[str(step)].annotation
            provider = part.model_fields.get("provider")
            if provider is not None and step in get_args(provider.annotation):
                return part
        elif get_origin(part) in (dict, tuple):
            return get_args(part)[-1 if get_origin(part) is dict else 0]
    return None


def _parts(kind: Any) -> list[Any]:
    """A type without its annotations, or the alternatives of a union."""
    if hasattr(kind, "__metadata__"):
        return _parts(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [part for alternative in get_args(kind) for part in _parts(alternative)]
    return [kind]
