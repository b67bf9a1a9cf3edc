"""`{{name}}`, as Langfuse and OpenAI write a variable: no sections, no escape, and text where no name stands in it."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.prompts.formats.pieces import Piece, Variable, is_variable, merged, pieces_of
from gateway.prompts.formats.source import refusal


def read(text: str) -> list[Piece]:
    """From the first `{{` to the next `}}` is a variable, or, where it cannot be the name of one, text."""
    found: list[Piece] = []
    at = 0
    while (opened := text.find("{{", at)) >= 0 and (closed := text.find("}}", opened)) >= 0:
        name = text[opened + 2 : closed].strip()
        found += [text[at:opened], Variable(name) if is_variable(name) else text[opened : closed + 2]]
        at = closed + 2
    return merged([*found, text[at:]])


def odd_texts(pieces: Sequence[Piece], at: str) -> list[str]:
    """A sentence for what looks like a variable, and is read as text."""
    odd = any(isinstance(piece, str) and "}}" in piece.partition("{{")[2] for piece in pieces)
    return [f"{at}: braces around what is no name of a variable are text"] if odd else []


def write(template: str, at: str) -> str:
    """Raises `BadRequest` for a template of more than variables, and for text that would be read as one."""
    pieces = pieces_of(template, at)
    if pieces is None:
        raise refusal(at, "only texts and {{ variables }} can be written in this format")
    text = "".join(f"{{{{{piece.name}}}}}" if isinstance(piece, Variable) else str(piece) for piece in pieces)
    if read(text) != pieces:
        raise refusal(at, "a text with {{ or }} in it would be read as a variable in this format, which has no escape")
    return text
