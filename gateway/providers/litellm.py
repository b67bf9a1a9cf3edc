"""Every other cloud (Anthropic, Bedrock, SageMaker, Vertex AI, watsonx, Cohere, …) through litellm, as a library.

litellm translates and signs; everything around it is ours. Credentials go with each call and never through the
process's environment. Of a client's body only OpenAI's own fields are handed on: litellm takes its settings, `api_base`
and keys among them, from the same arguments as a request's fields. Retries are off, for the gateway's own rules.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.errors import (
    BadRequest,
    ContextLength,
    GatewayError,
    Unequipped,
    UnsupportedParam,
    UpstreamFailed,
    UpstreamTimeout,
)
from gateway.http.base import Headers, Reply
from gateway.models.loading import Loaded
from gateway.providers.base import Ask, EventReply, WholeReply
from gateway.providers.refusal import refused
from gateway.types import Json, Operation
from gateway.wire import chat, embeddings
from gateway.wire.sse import DONE, frame

INSTALL = "pip install 'sluicegate[litellm]'"
KNOWN: Mapping[Operation, frozenset[str]] = {"chat": chat.FIELDS, "embeddings": embeddings.FIELDS}
"""What is handed on of a request; any other field is refused."""
FETCHED = ("MODEL_COST_MAP", "ANTHROPIC_BETA_HEADERS", "AUTOROUTER_PRESETS", "BLOG_POSTS", "POLICY_TEMPLATES")
"""What litellm would get from the web by itself, were it not told to use its own copies."""
LEAST_HIDDEN = 6
"""Characters of an argument, key or address, that no error may quote; of fewer, words would be spoiled."""


@dataclass(frozen=True, slots=True)
class LiteLLMConfig:
    """`model` is litellm's name (`anthropic/claude-sonnet-4-5`). `arguments` go with every call, secrets among them."""

    model: str
    arguments: Mapping[str, str]
    refuses: frozenset[str] = frozenset()


class Library:
    """litellm itself, imported in a thread when it is first needed. Its connections are the process's and not a
    provider's: they are closed with the library, after the last provider."""

    def __init__(self) -> None:
        self._loaded = Loaded(_import)

    async def get(self) -> Any:
        return await self._loaded.get()

    async def close(self) -> None:
        litellm = await self._loaded.take()
        if litellm is not None:
            await litellm.close_litellm_async_clients()


class LiteLLMProvider:
    """A `Provider`. litellm is imported with the first call or by `check`."""

    operations: frozenset[Operation] = frozenset(KNOWN)

    def __init__(self, config: LiteLLMConfig, library: Library) -> None:
        self._config = config
        self._library = library
        self.refuses = config.refuses
        self._hidden = [value for value in config.arguments.values() if len(value) >= LEAST_HIDDEN]

    async def send(self, ask: Ask) -> Reply:
        litellm = await self._library.get()
        call = litellm.acompletion if ask.operation == "chat" else litellm.aembedding
        arguments = self._arguments(ask)
        limits = ask.timeouts
        try:
            async with asyncio.timeout(limits.first_byte):
                answer = await call(**arguments, timeout=limits.total)
        except TimeoutError as error:
            raise UpstreamTimeout("The upstream did not answer in time.") from error
        except Exception as error:
            raise _error(error, self._hidden) from error
        if ask.stream:
            return EventReply(_events(answer, limits.idle, self._hidden))
        return WholeReply(_json(answer))

    async def check(self) -> None:
        """That litellm is there and knows the provider. A cloud's own health cannot be asked for without paying."""
        litellm = await self._library.get()
        try:
            litellm.get_llm_provider(self._config.model)
        except Exception as error:
            message = f"litellm does not know the model {self._config.model!r}: write it as provider/model."
            raise Unequipped(message, code="model_missing") from error

    async def close(self) -> None: ...

    def _arguments(self, ask: Ask) -> Json:
        unknown = sorted(ask.body.keys() - KNOWN[ask.operation])
        if unknown:
            message = f"{unknown[0]!r} is not a field of OpenAI's API, and this upstream takes no others."
            raise UnsupportedParam(message, param=unknown[0])
        for index, message in enumerate(ask.body.get("messages") or ()):
            _check_links(message, index)
        fixed: Json = {"model": self._config.model, "num_retries": 0, "max_retries": 0, "drop_params": False}
        return {**ask.body, **self._config.arguments, **fixed}


def _check_links(message: Json, index: int) -> None:
    """litellm fetches what an image, a file or a video names, from inside our network: only data URLs may pass."""
    content = message.get("content")
    for number, part in enumerate(content if isinstance(content, list) else ()):
        for name, value in part.items():
            if name != "text" and _links(value):
                where = f"messages[{index}].content[{number}].{name}"
                raise UnsupportedParam("This upstream takes images and files as data: URLs only.", param=where)


def _links(value: Any) -> bool:
    if isinstance(value, str):
        return "://" in value and not value.startswith("data:")
    if isinstance(value, dict | list):
        return any(map(_links, value.values() if isinstance(value, dict) else value))
    return False


async def _events(answer: Any, idle: float, hidden: Sequence[str]) -> AsyncGenerator[bytes, None]:
    try:
        while True:
            async with asyncio.timeout(idle):
                chunk = await anext(answer, None)
            if chunk is None:
                break
            yield frame(_json(chunk))
        yield DONE
    except TimeoutError as error:
        raise UpstreamTimeout("The upstream fell silent in the middle of its answer.") from error
    except GatewayError:
        raise
    except Exception as error:
        raise _error(error, hidden) from error
    finally:
        close = getattr(answer, "aclose", None)
        if close is not None:
            await close()


def _json(answer: Any) -> bytes:
    return orjson.dumps(answer.model_dump(mode="json", exclude_unset=True))


def _error(error: Exception, hidden: Sequence[str]) -> GatewayError:
    """litellm's exceptions carry a status and follow OpenAI's classes; anything without one is a broken connection.
    What is `hidden` is taken out of what they say."""
    from litellm import exceptions as known

    said = str(getattr(error, "message", error))
    for value in hidden:
        said = said.replace(value, "[hidden]")
    if isinstance(error, known.ContextWindowExceededError):
        return ContextLength(said)
    if isinstance(error, known.UnsupportedParamsError):
        message = f"{said} Leave it out, or have the operator list it under `refuses` and `drop` of this upstream."
        return UnsupportedParam(message)
    if isinstance(error, known.ContentPolicyViolationError):
        return BadRequest(said, code="content_policy_violation")
    status = getattr(error, "status_code", None)
    if isinstance(error, known.APIConnectionError) or not isinstance(status, int):
        return UpstreamFailed(f"The upstream could not be asked: {type(error).__name__}.")
    response = getattr(error, "response", None)
    headers: Headers = [(k.lower().encode(), v.encode()) for k, v in getattr(response, "headers", {}).items()]
    if status >= 500:  # perhaps litellm's own: what it says then are tracebacks, addresses and objects
        return refused(status, b"", headers)
    return refused(status, orjson.dumps({"error": {"message": said}}), headers)


def _import() -> Any:
    """Blocks for seconds. What litellm would fetch is its own copy instead."""
    for name in FETCHED:
        os.environ.setdefault(f"LITELLM_LOCAL_{name}", "True")
    try:
        litellm: Any = importlib.import_module("litellm")
    except ImportError as error:
        raise Unequipped(f"This upstream needs litellm: {INSTALL}", code="package_missing") from error
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    transport: Any = importlib.import_module("litellm.llms.custom_httpx.aiohttp_transport").LiteLLMAiohttpTransport
    if transport.handle_async_request is not _send_once:
        transport.send_request = transport.handle_async_request
        transport.handle_async_request = _send_once
    return litellm


async def _send_once(transport: Any, request: Any) -> Any:
    """Takes the place of litellm's own transport method: litellm goes wherever a redirect leads, with prompt and key. A
    redirect that leads nowhere is a refusal of the upstream."""
    response = await transport.send_request(request)
    response.headers.pop("location", None)
    return response
