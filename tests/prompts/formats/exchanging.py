"""What tests of the formats share: prompts in one line, what they render, and random ones full of braces."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.formats.base import Format, Portable
from gateway.prompts.formats.pieces import Piece, Variable, template_of
from gateway.prompts.render import CompiledPrompt
from gateway.types import Json, PromptVersion

VALUES = {"name": "Ada {{ x }} {% y %}", "x": "<&'\">\\"}


def draft(*contents: Any, role: str = "user", **others: Any) -> PromptDraft:
    return PromptDraft.parse({"messages": [{"role": role, "content": content} for content in contents], **others})


def portable(*contents: Any, **others: Any) -> Portable:
    return Portable("a", draft(*contents, **others))


def rendered(made: PromptDraft, values: Json) -> list[Json]:
    """By a gateway that was given this draft."""
    version = PromptVersion("a", 1, "", made.messages, made.variables)
    needed = {name: value for name, value in values.items() if name in made.variables["properties"]}
    return CompiledPrompt.compile(version).render(needed)


def written(form: Format, prompt: PromptDraft) -> tuple[str, tuple[str, ...]] | BadRequest:
    """The file and what is lost in it, or why there is none."""
    try:
        return form.write(Portable("a", prompt))
    except BadRequest as error:
        return error


texts = st.text("{}%#@|ab=: \n\r-+\\'\"!~^<é", max_size=12)
pieces: st.SearchStrategy[list[Piece]] = st.lists(
    texts | st.sampled_from([Variable("name"), Variable("x")]), max_size=6
)


def drafts(roles: tuple[str, ...] = ("system", "user", "assistant")) -> st.SearchStrategy[PromptDraft]:
    """Of messages that are texts with variables, which it declares, among braces of every kind."""

    def made(messages: list[tuple[str, list[Piece]]]) -> PromptDraft:
        names = {piece.name for _, found in messages for piece in found if isinstance(piece, Variable)}
        return PromptDraft.parse(
            {
                "messages": [{"role": role, "content": template_of(found)} for role, found in messages],
                "variables": dict.fromkeys(sorted(names), "string"),
            }
        )

    return st.lists(st.tuples(st.sampled_from(roles), pieces), min_size=1, max_size=3).map(made)
