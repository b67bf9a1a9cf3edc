"""What serves an endpoint: its live release, ready to be laid over a request. Pure functions of data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.amounts import Allowance
from gateway.errors import BadRequest
from gateway.prompts.render import CompiledPrompt
from gateway.types import Json, Operation, PromptRef, Release
from gateway.wire.surface import Call
from guardrails.engine import Engine

NO_VARIABLES: Json = {}

CAP = ("max_tokens", "max_completion_tokens")
TWINS = {name: CAP for name in CAP}
"""Fields that say the same: fixing one fixes both, or the other would be a way around it."""


@dataclass(frozen=True, slots=True)
class LiveRelease:
    """A release in force. `fixed` are the request fields it sets, its own before its prompt's; a client cannot change
    them."""

    release: Release
    prompt: CompiledPrompt | None
    fixed: Json
    field: bytes
    """The header line that names it on every reply, ended by CRLF."""
    guards: Engine | None = None
    """Of its policy, where it has one."""

    @classmethod
    def of(cls, release: Release, prompt: CompiledPrompt | None, guards: Engine | None = None) -> LiveRelease:
        version = release.prompt
        fixed = {**(version.parameters if version is not None else {}), **release.parameters}
        tools = release.tools or (version.tools if version is not None else ())
        if tools:
            fixed["tools"] = list(tools)
        form = release.response_format or (version.response_format if version is not None else None)
        if form is not None:
            fixed["response_format"] = form
        return cls(release, prompt, fixed, b"x-sluice-release: %b\r\n" % release.digest.encode(), guards)

    def apply(self, call: Call, operation: Operation) -> None:
        """Lay this release over a call: its prompt before the client's messages, its fields over the client's, which
        are listed in `call.fixed`. Raises `BadRequest` for a prompt, version or variable that does not fit."""
        body = call.body
        if self.prompt is not None:
            if operation != "chat":
                message = f"{call.model!r} has a prompt of messages; ask it through chat, responses or messages."
                raise BadRequest(message, param="model", code="unsupported_operation")
            given = call.prompt
            if given is not None:
                _check_reference(given, self.prompt)
            variables = given.variables if given is not None else NO_VARIABLES
            body["messages"] = self.prompt.render(variables) + body["messages"]
        elif call.prompt is not None:
            raise BadRequest(f"{call.model!r} has no prompt to fill.", param="prompt", code="invalid_value")
        for name, value in self.fixed.items():
            for theirs in TWINS.get(name, (name,)):
                if theirs in body and body.pop(theirs) != value:
                    call.fixed.append(theirs)
            body[name] = value


Unit = Literal["conversation", "user", "key", "call"]
"""What stays on one arm of a rollout."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An open rollout, as calls see it. `weight` is the share of units whose calls the candidate answers, above 0 in
    the canary only; `sample` the share of calls whose twin it is asked for unseen, above 0 in the shadow stage only,
    and `budget` the money for that. `salt` makes the draw of this rollout independent of any other's; `step` counts
    the canary's weights from 0."""

    rollout: str
    release: LiveRelease
    stage: str
    step: int
    weight: float
    salt: bytes
    unit: Unit
    sample: float = 0.0
    budget: Allowance | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The public name a client puts in `model`. `created` is the Unix time at which it came to be; `live` is None while
    a protected endpoint has no release that was proven."""

    name: str
    description: str | None
    created: int
    live: LiveRelease | None
    allowances: tuple[Allowance, ...] = ()
    cache_ttl: float | None = None
    """Seconds a reply may be kept for equal requests; None: never."""
    trial: Trial | None = None


def _check_reference(given: PromptRef, prompt: CompiledPrompt) -> None:
    version = prompt.version
    if given.id is not None and given.id not in (version.name, *version.aliases):
        message = f"This endpoint serves the prompt {version.name!r}, not {given.id[:80]!r}."
        raise BadRequest(message, param="prompt.id", code="invalid_value")
    if given.version is not None and given.version != str(version.number):
        message = f"This endpoint serves version {version.number} of {version.name!r}, not {given.version[:80]!r}."
        raise BadRequest(message, param="prompt.version", code="invalid_value")
