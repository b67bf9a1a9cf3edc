"""A prompt in a client's hands: rendered where it is used, by the gateway's own template code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import GatewayError, Unavailable
from gateway.prompts.published import read
from gateway.prompts.render import CompiledPrompt
from gateway.types import Json, PromptVersion


@dataclass(frozen=True, slots=True)
class Prompt:
    """A version of a prompt. `definition` is all it is made of."""

    definition: PromptVersion
    _compiled: CompiledPrompt

    @classmethod
    def of(cls, definition: PromptVersion) -> Prompt:
        return cls(definition, CompiledPrompt.compile(definition))

    @classmethod
    def read(cls, body: Any) -> Prompt:
        """From the API's JSON. Raises `Unavailable` with the code `unreadable_reply` for what this version of the
        client does not understand."""
        try:
            return cls.of(read(body))
        except (AttributeError, LookupError, TypeError, ValueError, GatewayError) as error:
            message = f"The gateway's prompt cannot be read; it may be newer than this client: {error}"
            raise Unavailable(message, code="unreadable_reply") from error

    @classmethod
    def fallback(cls, name: str, messages: Sequence[Json]) -> Prompt:
        """A program's own, of version 0. Its templates may read whatever they are given."""
        anything = {"type": "object", "additionalProperties": True}
        return cls.of(PromptVersion(name, 0, "", tuple(messages), anything))

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def version(self) -> int:
        return self.definition.number

    @property
    def digest(self) -> str:
        return self.definition.digest

    def render(self, /, **variables: Any) -> list[Json]:
        """Chat messages, fresh. Raises `BadRequest` naming the variable that is missing or does not fit."""
        return self._compiled.render(variables)

    def request(self, /, **variables: Any) -> Json:
        """What a chat completion takes beside its `model`: the messages, and the parameters, tools and response format
        of the prompt."""
        held = self.definition
        request: Json = {**held.parameters, "messages": self.render(**variables)}
        if held.tools:
            request["tools"] = list(held.tools)
        if held.response_format is not None:
            request["response_format"] = held.response_format
        return request
