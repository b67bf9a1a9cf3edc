"""What serves an endpoint: its live release, ready to be laid over a request. Pure functions of data."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.amounts import Allowance
from gateway.errors import BadRequest
from gateway.prompts.render import CompiledPrompt
from gateway.types import Json, Operation, PromptRef, Release
from gateway.wire.surface import Call

NO_VARIABLES: Json = {}

CAP = ("max_tokens", "max_completion_tokens")
TWINS = {name: CAP for name in CAP}
"""Fields that say the same: fixing one fixes both, or the other would be a way around it."""


@dataclass(frozen=True, slots=True)
class LiveRelease:
    """A release in force. `fixed` are the request fields it sets; a client cannot change them."""

    release: Release
    prompt: CompiledPrompt | None
    fixed: Json
    field: bytes
    """The header line that names it on every reply, ended by CRLF."""

    @classmethod
    def of(cls, release: Release, prompt: CompiledPrompt | None) -> LiveRelease:
        fixed = dict(release.parameters)
        if release.tools:
            fixed["tools"] = list(release.tools)
        if release.response_format is not None:
            fixed["response_format"] = release.response_format
        return cls(release, prompt, fixed, b"x-sluice-release: %b\r\n" % release.digest.encode())

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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The public name a client puts in `model`. `created` is the Unix time at which it first went live."""

    name: str
    description: str | None
    created: int
    live: LiveRelease
    allowances: tuple[Allowance, ...] = ()
    cache_ttl: float | None = None
    """Seconds a reply may be kept for equal requests; None: never."""


def _check_reference(given: PromptRef, prompt: CompiledPrompt) -> None:
    version = prompt.version
    if given.id is not None and given.id != version.name:
        message = f"This endpoint serves the prompt {version.name!r}, not {given.id[:80]!r}."
        raise BadRequest(message, param="prompt.id", code="invalid_value")
    if given.version is not None and given.version != str(version.number):
        message = f"This endpoint serves version {version.number} of {version.name!r}, not {given.version[:80]!r}."
        raise BadRequest(message, param="prompt.version", code="invalid_value")
