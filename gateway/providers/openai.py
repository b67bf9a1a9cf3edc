"""The fast path: every server that speaks OpenAI's API (OpenAI, Azure OpenAI, vLLM, Ollama, Mistral, Groq and more).

The body is sent as it was checked, the reply comes back as bytes; nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from gateway.errors import UpstreamFailed
from gateway.http.base import HttpClient, Reply, Target, Timeouts, header
from gateway.providers.base import Ask
from gateway.providers.credentials import Credential, unsaid
from gateway.providers.refusal import refused
from gateway.types import Operation
from gateway.wire.body import dump
from gateway.wire.headers import limits_of, lines

PATHS: dict[Operation, str] = {"chat": "/chat/completions", "completions": "/completions", "embeddings": "/embeddings"}


@dataclass(frozen=True)
class OpenAIConfig:
    """`base_url` ends before `/chat/completions`. `query` is added to every URL (Azure's `api-version`). `headers` are
    sent with every request. `rename` maps request fields to what this server calls them (`max_completion_tokens` to
    `max_tokens` for servers that know only the older name)."""

    model: str
    base_url: str = "https://api.openai.com/v1"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    refuses: frozenset[str] = frozenset()


class OpenAIProvider:
    """A `Provider` over one of our HTTP clients, which it does not own. `credential` of None sends none."""

    operations: frozenset[Operation] = frozenset(PATHS)

    def __init__(self, config: OpenAIConfig, client: HttpClient, credential: Credential | None) -> None:
        self._config = config
        self._client = client
        self._credential = credential
        self._secret_of: tuple[tuple[bytes, bytes], ...] | None = None
        self._fields = b""
        self._targets = {operation: self._target("POST", path) for operation, path in PATHS.items()}
        self._renamed = tuple(config.rename.items())
        self.refuses = config.refuses

    async def send(self, ask: Ask) -> Reply:
        body = ask.body
        body["model"] = self._config.model
        for name, theirs in self._renamed:
            if name in body:
                body[theirs] = body.pop(name)
        if not self._proven:
            await self._prove()
        extra = self._fields + ask.trace
        reply = await self._client.send(self._targets[ask.operation], dump(body), ask.timeouts, extra)
        if reply.status != 200:
            error = refused(reply.status, unsaid(await reply.read(), self._secret_of or ()), reply.headers)
            error.limits = limits_of(reply)
            raise error
        if ask.stream and b"text/event-stream" not in (header(reply.headers, b"content-type") or b""):
            reply.close()
            raise UpstreamFailed("The upstream did not answer with a stream.", code="upstream_garbage")
        return reply

    async def check(self) -> None:
        if not self._proven:
            await self._prove()
        reply = await self._client.send(self._target("GET", "/models"), b"", Timeouts(2, 5, 5, 5), self._fields)
        body = await reply.read()
        if reply.status in (401, 403) or reply.status >= 500:
            raise refused(reply.status, unsaid(body, self._secret_of or ()), reply.headers)

    async def close(self) -> None:
        if self._credential is not None:
            await self._credential.close()

    def _target(self, method: str, path: str) -> Target:
        config = self._config
        query = f"?{urlencode(config.query)}" if config.query else ""
        fields = {"accept": "*/*", "content-type": "application/json", **config.headers}
        headers = tuple((k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in fields.items())
        return Target(config.base_url.rstrip("/") + path + query, headers, method)

    @property
    def _proven(self) -> bool:
        """`_fields` are those of the credential as it is now."""
        credential = self._credential
        return credential is None or (credential.current is not None and credential.current is self._secret_of)

    async def _prove(self) -> None:
        """Make the header fields anew from a credential that has changed, or must be waited for."""
        assert self._credential is not None
        self._secret_of = await self._credential.fields()
        self._fields = lines([*self._secret_of])
