"""What is wrong with a value that people wrote, in their words, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

FORMS: Mapping[str, str] = {
    r"^[a-z][a-z0-9_.-]{0,63}$": "a name is a small letter, then small letters, digits, _, . and -, 64 at most",
    r"^\d+(\.\d{1,6})?usd$": "an amount is written as 5usd or 0.25usd",
    r"^[0-9a-f]{64}$": "a digest is 64 hex digits",
    r"^https?://": "a URL begins with https:// or http://",
    r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$": "a function is named as module:function",
}
KINDS: Mapping[str, str] = {
    "bool": "true or false",
    "dict": "a mapping, as {name: value}",
    "float": "a number",
    "int": "a whole number",
    "list": "a list, as [one, other]",
    "mapping": "a mapping, as {name: value}",
    "model": "a mapping, as {name: value}",
    "string": "a text",
    "tuple": "a list, as [one, other]",
}
"""By how pydantic's names of type errors begin."""
BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
PLAIN: Mapping[str, str] = {
    "finite_number": "it has to be a finite number",
    "string_too_long": "it has to be shorter",
    "string_too_short": "it has to say something",
}


def said(faults: Sequence[Any], kind: type[BaseModel]) -> str:
    """What pydantic found at one place of a value of `kind`, as a part of a sentence. A value that could be of several
    types has a fault for each."""
    types = list(dict.fromkeys(filter(None, map(_wanted, faults))))
    return f"write {' or '.join(types)}" if types else _said(faults[0], kind)


def near(word: str, known: Iterable[str]) -> str:
    """A question after what was meant, where something is spelled much the same, and what there is."""
    there = sorted(known)
    close = get_close_matches(word, there, n=1)
    return f"{f'did you mean {close[0]}? There are' if close else 'there are'} {', '.join(there)}"


def _wanted(fault: Mapping[str, Any]) -> str | None:
    """What type it should be of, where it is of another."""
    begun, _, rest = fault["type"].partition("_")
    return KINDS.get(begun) if rest in ("type", "parsing", "from_float") else None


def _said(fault: Mapping[str, Any], kind: type[BaseModel]) -> str:
    what, context = fault["type"], fault.get("ctx", {})
    if what == "extra_forbidden":
        *way, key = fault["loc"]
        known = _keys(kind, way)
        return f"there is no such key; {near(str(key), known)}" if known else "there is no such key: take it away"
    if what == "missing":
        return f"it is missing: write `{fault['loc'][-1]}: …`"
    if what == "literal_error":
        return f"it is {context['expected']}"
    if what == "string_pattern_mismatch":
        return FORMS.get(context["pattern"], f"it has to look like {context['pattern']}")
    if what == "too_short":
        return f"it needs {context['min_length']} at least"
    if what == "too_long":
        return f"it may have {context['max_length']} at most"
    if what in BOUNDS:
        name, word = BOUNDS[what]
        return f"it has to be {word} {context[name]}"
    return PLAIN.get(what) or str(fault["msg"]).removeprefix("Value error, ").removesuffix(".")


def _keys(kind: type[BaseModel], way: Sequence[str | int]) -> list[str]:
    """The keys that a mapping has at the end of `way`; none where that is not known."""
    held: set[type[BaseModel]] = {kind}
    for step in way:
        fields = [model.model_fields[step] for model in held if isinstance(step, str) and step in model.model_fields]
        if fields:
            held = {model for field in fields for model in _models(field.annotation)}
    return [field.alias or name for model in held for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Those that a type is made of: of a union, a list, a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
