"""LangChain's template formats: f-string, mustache and jinja2 read as our templates, f-string and jinja2 written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import Formatter

from jinja2 import nodes

from gateway.prompts.formats.pieces import Piece, Variable, pieces_of, template_of, variable
from gateway.prompts.formats.source import refusal
from gateway.prompts.syntax import includes, parse
from gateway.prompts.template import Template

DIFFERENT = frozenset(("indent", "title", "tojson", "truncate"))
"""Filters that Jinja2 has too, and that write something else there."""
_TAG = re.compile(
    r"\{\{\{\s*(?P<raw>\w+)\s*\}\}\}|\{\{&\s*(?P<plain>\w+)\s*\}\}|\{\{\s*(?P<html>\w+)\s*\}\}|(?P<odd>\{\{)"
)


@dataclass(frozen=True, slots=True)
class Translated:
    """`texts` are the variables that it only writes, `others` those it does more with."""

    template: str
    texts: frozenset[str]
    others: frozenset[str] = frozenset()
    losses: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return self.texts | self.others


def read(text: str, form: str, at: str) -> Translated:
    """Raises `BadRequest` for what is no such template, or has no sure equal here."""
    if form not in READERS:
        raise refusal(at, f"{form[:80]!r} is no format of a template; there are {', '.join(READERS)}")
    return READERS[form](text, at)


def _f_string(text: str, at: str) -> Translated:
    return _of(_fields(text, at))


def _fields(text: str, at: str) -> Iterator[Piece]:
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise refusal(at, f"this is no f-string: {error}") from error
    for literal, field, spec, conversion in parsed:
        yield literal
        if field is None:
            continue
        if spec or conversion not in (None, "s"):
            raise refusal(at, f"{{{field[:80]}}} is formatted, which templates here cannot do")
        yield variable(field, at)


def _mustache(text: str, at: str) -> Translated:
    pieces: list[Piece] = []
    escaped: set[str] = set()
    rest = 0
    for tag in _TAG.finditer(text):
        if tag["odd"]:
            line = text.count("\n", 0, tag.start()) + 1
            raise refusal(at, f"line {line}: of Mustache, only variables have a sure equal here")
        pieces += [text[rest : tag.start()], variable(tag["raw"] or tag["plain"] or tag["html"], at)]
        escaped |= {tag["html"]} if tag["html"] else set()
        rest = tag.end()
    made = _of([*pieces, text[rest:]])
    losses = tuple(f"{at}: {name!r} is no longer HTML-escaped, as {{{{{name}}}}} was" for name in sorted(escaped))
    return Translated(made.template, made.texts, losses=losses)


def _of(pieces: Iterable[Piece]) -> Translated:
    listed = list(pieces)
    return Translated(template_of(listed), frozenset(piece.name for piece in listed if isinstance(piece, Variable)))


def _jinja2(text: str, at: str) -> Translated:
    template = text.removesuffix("\n")  # as Jinja2 reads it, unless it is told to keep it
    pieces = pieces_of(template, at)
    if pieces is not None:
        return Translated(template, _of(pieces).texts)
    return Translated(template, frozenset(), Template.compile(template, at).names)


READERS: dict[str, Callable[[str, str], Translated]] = {"f-string": _f_string, "mustache": _mustache, "jinja2": _jinja2}


@dataclass(frozen=True, slots=True)
class Written:
    text: str
    form: str
    losses: tuple[str, ...] = ()


def write(template: str, at: str) -> Written:
    """An f-string where that can say it, else Jinja2. Raises `BadRequest` for what includes another prompt."""
    pieces = pieces_of(template, at)
    if pieces is not None:
        return Written("".join(map(_field, pieces)), "f-string")
    tree = parse(template, at)
    if any(True for _ in includes(tree)):
        raise refusal(at, "a prompt that includes another cannot be written in this format")
    named = {node.name for node in tree.find_all(nodes.Filter)}
    losses = [f"{at}: LangChain loads Jinja2 only with an `init_validator` that allows it"]
    losses += [f"{at}: the filter {name!r} writes something else in LangChain" for name in sorted(named & DIFFERENT)]
    return Written(template + "\n" * template.endswith("\n"), "jinja2", tuple(losses))


def _field(piece: Piece) -> str:
    if isinstance(piece, Variable):
        return f"{{{piece.name}}}"
    return str(piece).replace("{", "{{").replace("}", "}}")
