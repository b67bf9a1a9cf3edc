"""A prompt version, compiled: variables in, chat messages out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.errors import BadRequest
from gateway.prompts.lookups import Lookup
from gateway.prompts.page import Page
from gateway.prompts.partials import Partials, joined
from gateway.prompts.template import Template
from gateway.prompts.variables import Variables
from gateway.types import Json, PromptVersion

Part = Callable[[Json, Page], Any]


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
        variables = Variables.compile(joined(version), f"{where}.variables")
        templates = _Templates(Partials(version.name).compile(version))
        messages = [
            (message["role"], templates.part(message["content"], f"{where}.messages[{index}].content"))
            for index, message in enumerate(version.messages)
        ]
        undeclared = sorted(templates.names - variables.names)
        if undeclared and not variables.open:
            message_ = f"{where}: the template reads {undeclared[0]!r}, which is not declared under `variables`."
            raise BadRequest(message_, param=f"{where}.variables", code="undeclared_variable")
        for lookup in templates.lookups:
            if not variables.may_hold(lookup.holder, lookup.key):
                raise lookup.refusal()
        return cls(version, variables, tuple(messages))

    def render(self, values: Json) -> list[Json]:
        """Fresh messages. Raises `BadRequest` naming the variable."""
        checked, page = self.variables.check(values), Page()
        return [{"role": role, "content": content(checked, page)} for role, content in self._messages]


class _Templates:
    """The strings of messages, at any depth (the text of a part, the URL of an image): each of them is a template."""

    def __init__(self, partials: dict[str, Template]) -> None:
        self._partials = partials
        self.names: set[str] = set()
        self.lookups: set[Lookup] = set()

    def part(self, content: Any, where: str) -> Part:
        if isinstance(content, str):
            template = Template.compile(content, where, self._partials)
            self.names |= template.names
            self.lookups |= template.lookups
            return template.render
        if isinstance(content, list):
            parts = [self.part(part, f"{where}[{index}]") for index, part in enumerate(content)]
            return lambda values, page: [part(values, page) for part in parts]
        if isinstance(content, dict):
            fields = [
                (key, _held(value) if key == "type" else self.part(value, f"{where}.{key}"))
                for key, value in content.items()
            ]
            return lambda values, page: {key: field(values, page) for key, field in fields}
        return _held(content)


def _held(value: Any) -> Part:
    return lambda values, page: value
