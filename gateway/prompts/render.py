"""A prompt version, compiled: variables in, chat messages out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.errors import BadRequest
from gateway.prompts.template import Template
from gateway.prompts.variables import Variables
from gateway.types import Json, PromptVersion

Part = Callable[[Json], Any]


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """Compiled once, when it comes into force; rendered for every call."""

    version: PromptVersion
    variables: Variables
    _messages: tuple[tuple[str, Part], ...]

    @classmethod
    def compile(cls, version: PromptVersion) -> CompiledPrompt:
        """Raises `BadRequest` naming the message and the template's line, or the variable nobody declared."""
        where = f"prompts.{version.name}"
        variables = Variables.compile(version.variables, f"{where}.variables")
        names: set[str] = set()
        messages = []
        for index, message in enumerate(version.messages):
            at = f"{where}.messages[{index}]"
            messages.append((message["role"], _content(message["content"], f"{at}.content", names)))
        undeclared = sorted(names - variables.names)
        if undeclared and not variables.open:
            message_ = f"{where}: the template reads {undeclared[0]!r}, which is not declared under `variables`."
            raise BadRequest(message_, param=f"{where}.variables", code="undeclared_variable")
        return cls(version, variables, tuple(messages))

    def render(self, values: Json) -> list[Json]:
        """Fresh messages. Raises `BadRequest` naming the variable."""
        checked = self.variables.check(values)
        return [{"role": role, "content": content(checked)} for role, content in self._messages]


def _content(content: Any, where: str, names: set[str]) -> Part:
    """A string, or parts whose strings are templates at any depth (the text of a part, the URL of an image)."""
    if isinstance(content, str):
        template = Template.compile(content, where)
        names |= template.names
        return template.render
    if isinstance(content, list):
        parts = [_content(part, f"{where}[{index}]", names) for index, part in enumerate(content)]
        return lambda values: [part(values) for part in parts]
    if isinstance(content, dict):
        fields = [
            (key, (lambda values, held=value: held) if key == "type" else _content(value, f"{where}.{key}", names))
            for key, value in content.items()
        ]
        return lambda values: {key: field(values) for key, field in fields}
    return lambda values: content
