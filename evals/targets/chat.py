"""Chat completions over HTTP, as OpenAI's API has them: what both a URL and a gateway's endpoint are asked by."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import Field

from evals.errors import TargetFailed
from evals.parts import Part
from evals.sample import Json, Output, Sample, ToolCall, Usage, text_of
from evals.targets.base import Asking

MOST_BYTES = 16 * 1024 * 1024
"""Of one reply."""


class Prices(Part):
    """In USD for a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)

    def cost(self, tokens_in: int, tokens_out: int) -> int:
        """In micro-USD, rounded up: a USD for a million tokens is a micro-USD for one."""
        return -int(-(tokens_in * self.input + tokens_out * self.output) // 1)


class Chat:
    """`body` is what every request has besides its messages; `seeded` ones have a seed too. Made inside an event loop;
    connections are kept."""

    def __init__(self, base_url: str, key: str | None, body: Json, seeded: bool, prices: Prices | None = None) -> None:
        import aiohttp

        headers = {"content-type": "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._body, self._seeded, self._prices = body, seeded, prices
        self._session = aiohttp.ClientSession(
            headers=headers, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
        )

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        """Raises `TargetFailed`: not to be repeated for what the request is refused for."""
        import aiohttp

        body: Json = {**self._body, "messages": list(sample.messages)}
        if self._seeded:
            body["seed"] = asking.seed
        if sample.tools:
            body["tools"] = list(sample.tools)
        if sample.variables:
            body["prompt"] = {"variables": sample.variables}
        began = asyncio.get_running_loop().time()
        try:
            async with self._session.post(self._url, data=orjson.dumps(body)) as reply:
                raw = await _bounded(reply)
                status, headers = reply.status, reply.headers
        except (aiohttp.ClientError, OSError) as error:
            raise TargetFailed(f"{self._url} gave no answer: {_said(error)}.", retryable=True) from error
        seconds = asyncio.get_running_loop().time() - began
        if status != 200:
            return _refused(status, raw, headers, seconds)
        return self._output(raw, headers, seconds)

    async def close(self) -> None:
        await self._session.close()

    def _output(self, raw: bytes, headers: Mapping[str, str], seconds: float) -> Output:
        try:
            found = orjson.loads(raw)
            choice = found["choices"][0]
            message = choice["message"]
            usage = found.get("usage") or {}
            tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
            calls = tuple(_call(call) for call in message.get("tool_calls") or ())
            text = text_of(message) or str(message.get("refusal") or "")
            orjson.dumps(message)  # what is nested in hundreds of others could not be kept
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            message = f"{self._url} answered with what is no chat completion: {raw[:200]!r}."
            raise TargetFailed(message, retryable=True) from error
        return Output(
            text=text,
            messages=({"role": "assistant", **{k: v for k, v in message.items() if v is not None}},),
            tool_calls=calls,
            finish=choice.get("finish_reason"),
            model=found.get("model"),
            release=headers.get("x-sluice-release"),
            reply=found.get("id"),
            usage=Usage(*tokens, self._cost(headers, *tokens)),
            seconds=seconds,
            reused=headers.get("x-sluice-cache") == "hit",
            guards=_guards(headers),
        )

    def _cost(self, headers: Mapping[str, str], tokens_in: int, tokens_out: int) -> int | None:
        if self._prices is not None:
            return self._prices.cost(tokens_in, tokens_out)
        told = headers.get("x-sluice-cost", "")
        return int(told) if told.isdecimal() else None


async def _bounded(reply: Any) -> bytes:
    held = bytearray()
    async for piece in reply.content.iter_chunked(65_536):
        held += piece
        if len(held) > MOST_BYTES:
            raise TargetFailed(f"An answer was longer than {MOST_BYTES // 1024 // 1024} MiB.")
    return bytes(held)


def _refused(status: int, raw: bytes, headers: Mapping[str, str], seconds: float) -> Output:
    """What a content filter refuses is an answer: of no text, that finished so. Else raises `TargetFailed`."""
    try:
        error: Any = orjson.loads(raw)["error"]
        message, code = str(error.get("message")), error.get("code")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        message, code = raw[:200].decode("utf-8", "replace"), None
    if status == 400 and code in ("content_filter", "content_policy_violation"):
        release = headers.get("x-sluice-release")
        return Output(finish="content_filter", seconds=seconds, release=release, guards=_guards(headers))
    retryable = status in (408, 409, 429) or status >= 500
    raise TargetFailed(f"{status}: {message}", status=status, retryable=retryable, after=_after(headers))


def _guards(headers: Mapping[str, str]) -> tuple[Json, ...]:
    """What a gateway tells of them; nothing where it can be neither read nor kept."""
    try:
        told = orjson.loads(headers.get("x-sluice-guards", "[]"))
        orjson.dumps(told)
    except (orjson.JSONDecodeError, TypeError):
        return ()
    return tuple(one for one in told if isinstance(one, dict)) if isinstance(told, list) else ()


def _after(headers: Mapping[str, str]) -> float | None:
    told = headers.get("retry-after", "")
    return float(told) if told.replace(".", "", 1).isdecimal() else None


def _call(call: Json) -> ToolCall:
    function = call["function"]
    written = function.get("arguments")
    try:
        arguments = orjson.loads(written) if isinstance(written, str) else written
        orjson.dumps(arguments)
    except (orjson.JSONDecodeError, TypeError):  # no JSON, or nested in hundreds of others
        arguments = written
    return ToolCall(function["name"], arguments, call.get("id") or "")


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
