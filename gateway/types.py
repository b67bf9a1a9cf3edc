"""The nouns everyone shares: frozen, parsed at the edges, never a request, a header or a framework's object.

What is made for every call is a `msgspec.Struct`, which costs a fifth of a frozen dataclass to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from gateway.amounts import Allowance

Operation = Literal["chat", "completions", "embeddings"]
"""What a provider is asked for: OpenAI's chat completion, legacy completion, or embeddings."""

Json = dict[str, Any]


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one call. `cached` is part of `input`, `reasoning` part of `output`; all are >= 0.

    `estimated` is True where the upstream gave no figure and ours was counted from the text seen.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, and what they may do. `endpoints` and `upstreams` of None mean all of them; `expires` is Unix time.
    `allowances` are the key's own, its project's and its team's, as far as they have any."""

    key_id: str
    name: str
    roles: frozenset[str] = frozenset()
    endpoints: frozenset[str] | None = None
    upstreams: frozenset[str] | None = frozenset()
    expires: float | None = None
    owner: str | None = None
    team: str | None = None
    project: str | None = None
    allowances: tuple[Allowance, ...] = ()


class PromptRef(msgspec.Struct, frozen=True):
    """The standard `prompt` object of a request: which prompt, which version (None: the release's), its variables."""

    id: str | None
    version: str | None
    variables: Json


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """An immutable numbered version of a named prompt. `variables` is a JSON Schema of type object; `partials` are the
    versions of the prompts it includes, by their names. `parent` is the version it was made from, `merged` the head of
    the branch that was merged into it; `created` is Unix time. `aliases` are other ids of the prompt."""

    name: str
    number: int
    digest: str
    messages: tuple[Json, ...]
    variables: Json
    parameters: Json = field(default_factory=dict)
    tools: tuple[Json, ...] = ()
    response_format: Json | None = None
    partials: Mapping[str, PromptVersion] = field(default_factory=dict)
    branch: str = "main"
    parent: int | None = None
    merged: int | None = None
    message: str = ""
    author: str = ""
    created: float = 0.0
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """What serves: an immutable bundle whose id, `digest`, is the SHA-256 of everything in it."""

    digest: str
    prompt: PromptVersion | None
    upstream: str
    parameters: Json = field(default_factory=dict)
    tools: tuple[Json, ...] = ()
    response_format: Json | None = None
    policy: str | None = None
