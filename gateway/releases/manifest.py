"""The YAML that `sluice apply -f` takes: prompts and endpoints, declared."""

from __future__ import annotations

from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gateway.allowances import Budget, Scope
from gateway.amounts import DAY, Allowance
from gateway.durations import seconds
from gateway.errors import BadRequest
from gateway.prompts.variables import schema_of
from gateway.settings import NAME
from gateway.strict_yaml import documents
from gateway.types import Json
from gateway.wire.body import refuse_variants
from gateway.wire.chat import CHECKS, FIELDS
from gateway.wire.fields import check_fields

Name = Annotated[str, Field(pattern=NAME)]
Limit = Annotated[int, Field(strict=True, ge=1, le=10**15)]
LONGEST_CACHE = 30 * DAY
NOT_PARAMETERS = {
    "messages": "it comes from the prompt and the client",
    "model": "it comes from the upstream",
    "prompt": "name it beside `parameters`",
    "response_format": "it has a place of its own beside `parameters`",
    "stream": "the client decides it",
    "stream_options": "the client decides it",
    "tools": "they have a place of their own beside `parameters`",
}


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PromptManifest(Part):
    """`variables` is a JSON Schema of type object, or short: name to type, or name to schema."""

    messages: tuple[Json, ...] = Field(min_length=1)
    variables: Json = {}

    def schema_of_variables(self) -> Json:
        return schema_of(self.variables)


class LimitsManifest(Part):
    """At least one of these. `concurrent` counts calls that are being answered; `budget` is money, as `50usd/month`, by
    day, week, month or in total."""

    requests_per_minute: Limit | None = None
    tokens_per_minute: Limit | None = None
    concurrent: Limit | None = None
    budget: str | None = None

    @field_validator("budget")
    @classmethod
    def _money(cls, value: str | None) -> str | None:
        try:
            return value if value is None else str(Budget.parse(value))
        except BadRequest as error:
            raise ValueError(error.message) from error

    @model_validator(mode="after")
    def _some(self) -> LimitsManifest:
        if not any(held is not None for _, held in self):
            raise ValueError(f"name at least one of {', '.join(type(self).model_fields)}")
        return self

    def allowance(self, scope: Scope) -> Allowance:
        budget = Budget.parse(self.budget) if self.budget is not None else None
        return Allowance(
            scope=str(scope),
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            concurrent=self.concurrent,
            budget=budget.amount if budget is not None else None,
            budget_period=budget.period if budget is not None else "month",
        )


class CacheManifest(Part):
    """How long a reply may be kept for equal requests that ask for it, as 300s or 1h."""

    ttl: str

    @field_validator("ttl")
    @classmethod
    def _bounded(cls, value: str) -> str:
        if not 1 <= seconds(value) <= LONGEST_CACHE:
            raise ValueError("a reply is kept for at least 1s and at most 30d")
        return value

    @property
    def seconds(self) -> float:
        return float(seconds(self.ttl))


class EndpointManifest(Part):
    """Without a `prompt` the client's messages pass through. `prompt` is name@number, or a name: the version declared
    beside it, else the newest. Without `limits` those the endpoint has stay."""

    upstream: str
    description: str | None = None
    prompt: str | None = Field(None, pattern=NAME[:-1] + r"(@[0-9]+)?$")
    parameters: Json = {}
    tools: tuple[Json, ...] = ()
    response_format: Json | None = None
    policy: None = None
    cache: CacheManifest | None = None
    limits: LimitsManifest | None = None

    @field_validator("parameters")
    @classmethod
    def _only_parameters(cls, value: Json) -> Json:
        for name, why in NOT_PARAMETERS.items():
            if name in value:
                raise ValueError(f"{name!r} is not a parameter: {why}")
        try:
            refuse_variants(value, FIELDS)
            check_fields(value, CHECKS)
        except BadRequest as error:
            raise ValueError(error.message) from error
        return value


class Manifest(Part):
    prompts: dict[Name, PromptManifest] = {}
    endpoints: dict[Name, EndpointManifest] = {}


def parse(text: str, source: str) -> Manifest:
    """One or more YAML documents, laid together. Raises `BadRequest` naming `source`, the place and what is wrong."""
    merged: dict[str, Any] = {"prompts": {}, "endpoints": {}}
    try:
        found = documents(text)
    except yaml.YAMLError as error:
        raise BadRequest(f"{source} is not valid YAML: {error}", code="invalid_manifest") from error
    for document in found:
        _merge(merged, document, source)
    try:
        return Manifest.model_validate(merged)
    except ValidationError as error:
        lines = [f"{source} cannot be applied:"]
        for fault in error.errors():
            lines.append(f"  {'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}")
        raise BadRequest("\n".join(lines), code="invalid_manifest") from error


def _merge(merged: dict[str, Any], document: Any, source: str) -> None:
    if not isinstance(document, dict):
        raise BadRequest(f"{source}: a manifest is a mapping with prompts and endpoints.", code="invalid_manifest")
    for section, held in document.items():
        if section not in merged or not isinstance(held, dict):
            merged[section] = held  # left for validation to refuse, with its place
            continue
        twice = merged[section].keys() & held.keys()
        if twice:
            raise BadRequest(f"{source}: {section}.{min(twice)} is declared twice.", code="invalid_manifest")
        merged[section].update(held)
