"""A prompt as somebody wrote it, before it is a version: parsed from JSON, checked in its shape."""

from __future__ import annotations

from typing import Annotated, Any, Self

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from gateway.errors import BadRequest
from gateway.parameters import Parameters
from gateway.prompts.storable import check_storable
from gateway.prompts.variables import schema_of
from gateway.types import Json, PromptVersion

MAX_BYTES = 1024 * 1024
"""Of a draft, as JSON."""
ROLES = ("system", "developer", "user", "assistant")


def _message(value: Json) -> Json:
    if value.get("role") not in ROLES:
        raise ValueError(f"the role is one of {', '.join(ROLES)}")
    content = value.get("content")
    if isinstance(content, list):
        for part in content:
            _typed(part)
    elif not isinstance(content, str):
        raise ValueError("the content is a string or a list of parts")
    others = sorted(value.keys() - {"role", "content"})
    if others:
        raise ValueError(f"a message has a role and a content, and no {others[0]!r}")
    return value


def _typed(value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise ValueError("an object with a `type` belongs here")
    return value


Typed = Annotated[Json, AfterValidator(_typed)]


class PromptDraft(BaseModel):
    """What a version of a prompt is made of. `variables` is a JSON Schema of type object, or short: name to type, or
    name to schema; here it is always the whole schema. What the templates in it say is checked by `CompiledPrompt`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    messages: tuple[Annotated[Json, AfterValidator(_message)], ...] = Field(min_length=1)
    variables: Annotated[Json, Field(validate_default=True)] = {}
    parameters: Parameters = {}
    tools: tuple[Typed, ...] = ()
    response_format: Typed | None = None

    @field_validator("*")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        return check_storable(value)

    @field_validator("variables")
    @classmethod
    def _whole(cls, value: Json) -> Json:
        for name, kind in value.items() if value.get("type") != "object" else ():
            if not isinstance(kind, str | dict):
                raise ValueError(f"the variable {name!r} has a type or a schema")
        return schema_of(value)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if len(orjson.dumps(self.as_json())) > MAX_BYTES:
            raise ValueError(f"a prompt is at most {MAX_BYTES // 1024} KiB")
        return self

    @classmethod
    def parse(cls, value: Any, where: str = "prompt") -> PromptDraft:
        """Raises `BadRequest` naming the place, which begins with `where`."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            fault = error.errors()[0]
            at = ".".join([where, *(str(step) for step in fault["loc"])])
            said = fault["msg"].removeprefix("Value error, ")
            raise BadRequest(f"{at}: {said}.", param=at, code="invalid_value") from error

    @classmethod
    def of(cls, version: PromptVersion) -> PromptDraft:
        """What that version was made from, which was checked then."""
        return cls.model_construct(
            messages=version.messages,
            variables=version.variables,
            parameters=version.parameters,
            tools=version.tools,
            response_format=version.response_format,
        )

    def as_json(self) -> Json:
        """What `parse` reads the same draft from; parts that are empty are left out."""
        return {name: list(held) if isinstance(held, tuple) else held for name, held in self if held}
