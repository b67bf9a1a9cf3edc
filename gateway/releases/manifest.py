"""The YAML that `sluice apply -f` takes: prompts and endpoints, declared."""

from __future__ import annotations

import re
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from evals.strict_yaml import documents
from gateway.allowances import Budget, Scope
from gateway.amounts import DAY, Allowance
from gateway.durations import seconds
from gateway.errors import BadRequest
from gateway.parameters import Parameters
from gateway.prompts.draft import PromptDraft
from gateway.prompts.names import MADE_OF, PATH, PromptName
from gateway.releases.plan import Gate
from gateway.settings import NAME
from gateway.types import Json

Name = Annotated[str, Field(pattern=NAME)]
Limit = Annotated[int, Field(strict=True, ge=1, le=10**15)]
LONGEST_CACHE = 30 * DAY


def _pinned(prompt: str) -> str:
    if re.fullmatch(rf"{PATH}(@[0-9]+)?", prompt) is None:
        raise ValueError(f"a prompt is named, with @ and the number of a version or without: {MADE_OF}")
    return prompt


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    """Without a `prompt` the client's messages pass through, without a `policy` no guard judges them. `policy` is one
    that is declared beside it, else one that is shipped, by its name. `prompt` is name@number, or a name: the version
    declared beside it, else the newest. Without `limits` those the endpoint has stay, and without `gate` its gate;
    `gate: null` asks to end the protection."""

    upstream: str
    description: str | None = None
    prompt: Annotated[str, AfterValidator(_pinned)] | None = None
    parameters: Parameters = {}
    tools: tuple[Json, ...] = ()
    response_format: Json | None = None
    policy: Name | None = None
    cache: CacheManifest | None = None
    limits: LimitsManifest | None = None
    gate: Gate | None = None


class Manifest(Part):
    prompts: dict[PromptName, PromptDraft] = {}
    policies: dict[Name, Json] = {}
    endpoints: dict[Name, EndpointManifest] = {}


def parse(text: str, source: str) -> Manifest:
    """One or more YAML documents, laid together. Raises `BadRequest` naming `source`, the place and what is wrong."""
    merged: dict[str, Any] = {"prompts": {}, "policies": {}, "endpoints": {}}
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
            at, said = ".".join(str(step) for step in fault["loc"]), fault["msg"].removeprefix("Value error, ")
            lines.append(f"  {at}: {said}")
        raise BadRequest("\n".join(lines), code="invalid_manifest") from error


def _merge(merged: dict[str, Any], document: Any, source: str) -> None:
    if not isinstance(document, dict):
        raise BadRequest(
            f"{source}: a manifest is a mapping with prompts, policies and endpoints.", code="invalid_manifest"
        )
    for section, held in document.items():
        if section not in merged or not isinstance(held, dict):
            merged[section] = held  # left for validation to refuse, with its place
            continue
        twice = merged[section].keys() & held.keys()
        if twice:
            raise BadRequest(f"{source}: {section}.{min(twice)} is declared twice.", code="invalid_manifest")
        merged[section].update(held)
