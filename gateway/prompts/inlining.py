"""Partials written in place: a prompt that includes others as one that includes none and renders the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.filters import MAX_CHARACTERS
from gateway.prompts.partials import joined
from gateway.prompts.syntax import parse
from gateway.types import PromptVersion

Token = tuple[int, str, str]
"""Jinja2's: the line, the kind, and the text."""
_TRIMS_AFTER = re.compile(r"-[%}#]\}\s*\Z")
_TRIMS_BEFORE = re.compile(r"\s*\{[%{#]-")
BARRIER = "{##}"
"""An empty comment: a tag that trims what is beside it trims no further."""


def inlined(version: PromptVersion) -> PromptDraft:
    """Raises `BadRequest` where it would be longer than a template may be."""
    inliner = _Inliner()
    draft = PromptDraft.of(version).as_json()
    messages = [
        {**message, "content": inliner.content(message["content"], version, f"messages[{index}].content")}
        for index, message in enumerate(version.messages)
    ]
    return PromptDraft.parse({**draft, "messages": messages, "variables": joined(version)}, version.name)


class _Inliner:
    """Writes out each partial once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int], str] = {}

    def content(self, content: Any, version: PromptVersion, at: str) -> Any:
        if isinstance(content, str):
            return self._text(content, version, at)
        if isinstance(content, list):
            return [self.content(part, version, at) for part in content]
        if isinstance(content, dict):
            return {k: held if k == "type" else self.content(held, version, at) for k, held in content.items()}
        return content

    def _text(self, source: str, version: PromptVersion, at: str) -> str:
        if not version.partials:
            return source
        parse(source, at)  # it is bounded, and a template
        tokens = list(Environment(keep_trailing_newline=True).lex(source))  # noqa: S701 - it is never rendered
        made: list[str] = []
        length = index = 0
        while index < len(tokens):
            end = _include(tokens, index)
            made.append(tokens[index][2] if end is None else self._partial(tokens, index, end, version, at))
            length += len(made[-1])
            if length > MAX_CHARACTERS:
                message = f"{at}: with what it includes it is longer than {MAX_CHARACTERS} characters."
                raise BadRequest(message, param=at, code="prompt_too_long")
            index = index + 1 if end is None else end + 1
        return "".join(made)

    def _partial(self, tokens: Sequence[Token], start: int, end: int, version: PromptVersion, at: str) -> str:
        name = next(text for _, kind, text in tokens[start:end] if kind == "string")[1:-1].partition("@")[0]
        partial = version.partials[name]
        key = (name, partial.number)
        if key not in self._made:
            self._made[key] = self._text(partial.messages[0]["content"], partial, at)
        text = self._made[key]
        before = tokens[start - 1][2] if start else ""
        after = tokens[end + 1][2] if end + 1 < len(tokens) else ""
        if text.endswith("{"):
            text = text[:-1] + '{{ "{" }}'  # it would begin a tag with what follows
        opened = BARRIER if _TRIMS_AFTER.search(before) or _TRIMS_BEFORE.match(text) else ""
        closed = BARRIER if _TRIMS_AFTER.search(text) or _TRIMS_BEFORE.match(after) else ""
        return opened + text + closed


def _include(tokens: Sequence[Token], index: int) -> int | None:
    """Where the include that begins here ends."""
    if tokens[index][1] != "block_begin":
        return None
    words = (text for _, kind, text in tokens[index + 1 :] if kind != "whitespace")
    if next(words, "") != "include":
        return None
    return next(at for at in range(index, len(tokens)) if tokens[at][1] == "block_end")
