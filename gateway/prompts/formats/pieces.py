"""A template in pieces, text that means itself and variables: what of the template language others have too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import nodes

from gateway.errors import BadRequest
from gateway.prompts.filters import as_text
from gateway.prompts.formats.source import refusal
from gateway.prompts.syntax import parse


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True)
class Tag:
    """Whatever else the template language has, as it is written in it."""

    source: str


Piece = str | Variable | Tag


def include(name: str) -> Tag:
    return Tag(f'{{% include "{name}" %}}')


_MARK = re.compile(r"\{*\r|\{{2,}|\{(?=[%#])")
"""What would not mean itself in a template: the beginning of a tag, and a line end that would become another."""
_BEFORE_A_TAG = re.compile(r"(?<!\{)\{\Z")


def escaped(text: str, before_a_tag: bool = False) -> str:
    """The template that renders this text, whatever is in it."""
    made = _MARK.sub(lambda found: _written(found[0]), text)
    return _BEFORE_A_TAG.sub(_written("{"), made) if before_a_tag else made


def _written(text: str) -> str:
    quoted = text.replace("\r", "\\r")
    return f'{{{{ "{quoted}" }}}}'


def template_of(pieces: Iterable[Piece]) -> str:
    joined = merged(pieces)
    made = []
    for index, piece in enumerate(joined):
        if isinstance(piece, str):
            made.append(escaped(piece, before_a_tag=index + 1 < len(joined)))
        elif isinstance(piece, Variable):
            made.append(f"{{{{ {piece.name} }}}}")
        else:
            made.append(piece.source)
    return "".join(made)


def merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Without empty texts, and with texts that follow each other in one."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if isinstance(piece, str) and isinstance(last, str):
            found[-1] = last + piece
        elif piece != "":
            found.append(piece)
    return found


@lru_cache(4096)
def is_variable(name: str) -> bool:
    """Whether `{{ name }}` reads the variable of that name: `true` and `not` do not."""
    try:
        tree = parse(f"{{{{ {name} }}}}", name) if name.isidentifier() else None
    except BadRequest:
        return False
    output = tree.body[0] if tree is not None else None
    return isinstance(output, nodes.Output) and isinstance(output.nodes[0], nodes.Name)


def variable(name: str, at: str) -> Variable:
    """Raises `BadRequest` for a name that a template cannot have."""
    if not is_variable(name):
        raise refusal(at, f"{name[:80]!r} cannot be the name of a variable: letters, digits and _, and no digit first")
    return Variable(name)


def pieces_of(template: str, at: str) -> list[Piece] | None:
    """None for a template that has more than texts and variables. Raises `BadRequest` for what is no template."""
    found: list[Piece] = []
    for statement in parse(template, at).body:
        if not isinstance(statement, nodes.Output):
            return None
        for node in statement.nodes:
            piece = _piece(node)
            if piece is None:
                return None
            found.append(piece)
    return merged(found)


def _piece(node: nodes.Node) -> Piece | None:
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Const):
        return as_text(node.value)
    return Variable(node.name) if isinstance(node, nodes.Name) else None


def each_text(content: Any, at: str, change: Callable[[str, str], Any]) -> Any:
    """A message's content with every string in it changed, but the `type` of a part; `change` is told the place."""
    if isinstance(content, str):
        return change(content, at)
    if isinstance(content, list):
        return [each_text(part, f"{at}[{index}]", change) for index, part in enumerate(content)]
    if isinstance(content, dict):
        return {
            key: value if key == "type" else each_text(value, f"{at}.{key}", change) for key, value in content.items()
        }
    return content
