"""A GGUF model in this process: llama.cpp through xllamacpp.

xllamacpp brings llama.cpp's own server, which we start inside the process on a loopback port, under a random key, and
speak to as to any other OpenAI-compatible upstream. So continuous batching, grammars for JSON schemas, tools, log
probabilities and cancellation are llama.cpp's own, and tokens are made outside the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.errors import BadRequest, Unavailable, Unequipped, UnsupportedParam, UpstreamRefused
from gateway.http.base import Reply
from gateway.http.h1 import H1Client
from gateway.models.loading import Loaded
from gateway.models.locate import chat_template, locate_gguf
from gateway.providers.base import Ask
from gateway.providers.credentials import StaticKey
from gateway.providers.llamacpp_choices import Choices, as_stream, several
from gateway.providers.openai import OpenAIConfig, OpenAIProvider
from gateway.types import Operation

INSTALL = "pip install 'sluicegate[embedded]'"
MOST_WAITING = 64
"""Requests beyond those being decoded: sixteen turns of four, a minute or so on a small machine."""
MAX_SAID = 300
FIELD = re.compile(r"Field '(\w+)'")
"""How its refusals of a value begin."""
PROMPT_CACHE_MIB = 256
"""Prompts of ended requests kept in memory, to be gone on from."""


@dataclass(frozen=True, slots=True)
class LlamaCppConfig:
    """`context` is the tokens of one sequence; `parallel` sequences are decoded together. `threads` of None takes the
    machine's cores."""

    model: str
    path: Path | None = None
    context: int = 8192
    parallel: int = 4
    threads: int | None = None


class LlamaCppProvider:
    """A `Provider`. The model is loaded with the first call, or by `check`; a load that failed is tried again."""

    operations: frozenset[Operation] = frozenset(("chat", "completions"))
    refuses: frozenset[str] = frozenset(
        "audio best_of echo function_call functions modalities n_cmpl n_predict n_probs prediction suffix "
        "web_search_options".split()
    )
    """llama.cpp's own names for `n`, `max_tokens` and `logprobs` would be a way around the checks of those."""

    def __init__(self, config: LlamaCppConfig) -> None:
        self._config = config
        self._server = Loaded(lambda: _serve(config))
        self._upstream: OpenAIProvider | None = None
        self._client = H1Client()

    async def send(self, ask: Ask) -> Reply:
        _refuse_what_is_not_honoured(ask)
        if self._client.busy >= self._config.parallel + MOST_WAITING:
            raise Unavailable("The model has too many requests waiting.", code="overloaded", retry_after=1)
        if ask.body.get("logprobs"):  # it takes no number for twenty, and 0 for no log probabilities
            ask.body["top_logprobs"] = max(1, ask.body.get("top_logprobs") or 0)
        upstream = self._upstream or await self._started()
        try:
            if several(ask.body):
                return Choices(await upstream.send(as_stream(ask)), ask.body.get("n") or 1)
            return await upstream.send(ask)
        except BadRequest as error:
            named = FIELD.match(error.message)
            error.param = error.param or (named[1] if named else None)
            raise
        except UpstreamRefused as error:
            said = str((error.error or {}).get("message"))
            if error.upstream_status == 500 and said.startswith("Failed to parse"):
                raise BadRequest(said[:MAX_SAID], code="invalid_value") from error  # messages or tools it cannot read
            raise

    async def check(self) -> None:
        """A model that is loaded serves: asked while it is busy, its server may answer too late to a probe."""
        if self._upstream is None:
            await self._started()

    async def close(self) -> None:
        await self._client.close()
        held = [await self._server.take()]
        self._upstream = None
        await asyncio.to_thread(held.clear)  # the last reference: it stops the server and joins its threads

    async def _started(self) -> OpenAIProvider:
        server = await self._server.get()
        if self._upstream is None:
            config = OpenAIConfig(self._config.model, f"{server.llama.listening_address}/v1")
            self._upstream = OpenAIProvider(config, self._client, StaticKey("authorization", server.key))
        return self._upstream


def _refuse_what_is_not_honoured(ask: Ask) -> None:
    """Raises `UnsupportedParam` for what llama.cpp would ignore, answer with a 500, or in another shape."""
    body = ask.body
    if ask.operation == "completions" and body.get("logprobs") is not None:
        raise UnsupportedParam("The embedded model gives log probabilities for chat only.", param="logprobs")
    if body.get("tool_choice") not in (None, "auto", "none"):
        message = "The embedded model cannot be made to call a tool: 'tool_choice' is auto or none."
        raise UnsupportedParam(message, param="tool_choice")
    for index, message_ in enumerate(body.get("messages") or ()):
        content = message_.get("content")
        if isinstance(content, list) and any(part.get("type") not in ("text", "refusal") for part in content):
            raise UnsupportedParam("The embedded model reads text only.", param=f"messages[{index}].content")


@dataclass(frozen=True, slots=True)
class Server:
    """llama.cpp's server, its model loaded, and the key it was started with."""

    llama: Any
    key: str


def _serve(config: LlamaCppConfig) -> Server:
    """Blocks; raises `Unavailable` with the next step."""
    try:
        import xllamacpp
    except ImportError as error:
        message = f"The embedded model needs llama.cpp: {INSTALL}"
        raise Unequipped(message, code="package_missing") from error
    file = locate_gguf(config.model, config.path)
    key = secrets.token_urlsafe(32)
    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.model_alias = {config.model}
    params.n_parallel = config.parallel
    params.n_ctx = config.context * config.parallel
    params.cpuparams.n_threads = config.threads or os.cpu_count() or 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.use_jinja = True
    params.ui = False
    params.endpoint_slots = False
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.verbosity = 0
    template = chat_template(config.model)
    if template is not None:
        params.chat_template = template
    try:
        return Server(xllamacpp.Server(params), key)
    except (RuntimeError, ValueError) as error:
        message = f"llama.cpp cannot load {file}: {error}. Get the file again, or set `path:` to another."
        raise Unequipped(message, code="model_corrupt") from error
