"""What the gateway reads in a chat completion: the few fields that are metered, guarded or translated.

Decoding into these structs costs about one microsecond an event; unknown fields stay in the raw bytes, which is what a
client of the same wire gets.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import orjson

from gateway.errors import UpstreamFailed, UpstreamRefused
from gateway.redaction import Redactor
from gateway.types import Json, Usage

SECRETS = Redactor()
MAX_NAME = 200
"""Characters kept of a name an upstream gives: whatever it says, a record stays small."""

Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
"""As an upstream counts them. A figure beyond reason is garbage: billed, it would not fit where costs are kept."""


class TokenDetails(msgspec.Struct, gc=False):
    cached_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = None


class WireUsage(msgspec.Struct, gc=False):
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    prompt_tokens_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None

    def usage(self) -> Usage:
        given, made = self.prompt_tokens_details, self.completion_tokens_details
        return Usage(
            input=self.prompt_tokens or 0,
            output=self.completion_tokens or 0,
            cached=(given.cached_tokens or 0) if given else 0,
            reasoning=(made.reasoning_tokens or 0) if made else 0,
        )


class Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct, gc=False):
    index: int = 0
    id: str | None = None
    type: str | None = None
    function: Function | None = None


class Part(msgspec.Struct, gc=False):
    """What some servers make content of where others send a string: text, or thinking with parts of its own."""

    text: str | None = None
    thinking: list[Part] | None = None


class Delta(msgspec.Struct, gc=False):
    """The delta of a chunk, or the message of a whole completion: both have these fields."""

    role: str | None = None
    content: str | list[Part] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    """What newer servers call `reasoning_content`."""
    tool_calls: list[ToolCall] | None = None

    @property
    def said(self) -> str | None:
        return _text(self.content) if isinstance(self.content, list) else self.content

    @property
    def thought(self) -> str | None:
        if isinstance(self.content, list):
            return "".join(_text(part.thinking or []) for part in self.content)
        return self.reasoning_content or self.reasoning


def _text(parts: list[Part]) -> str:
    return "".join(part.text or "" for part in parts)


class Choice(msgspec.Struct, gc=False):
    index: int = 0
    delta: Delta | None = None
    message: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    logprobs: msgspec.Raw = msgspec.Raw(b"null")
    """Undecoded. Never a union with None: msgspec would then take nothing but null."""


class Chunk(msgspec.Struct, gc=False):
    """One event of a stream (`delta`, or `text` for legacy completions), or a whole reply (`message`)."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: WireUsage | msgspec.UnsetType | None = msgspec.UNSET
    """Unset where the field is absent: many servers send null with every event, if asked for figures."""
    error: Any = None
    service_tier: str | None = None


_DECODER = msgspec.json.Decoder(Chunk)


def decode(data: bytes) -> Chunk:
    """An event's data, or a whole body. Raises `UpstreamRefused` for an in-band error, `UpstreamFailed` for garbage."""
    try:
        chunk = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = "The upstream sent something that is not a completion."
        raise UpstreamFailed(message, code="upstream_garbage") from error
    if chunk.error:
        raise in_band(chunk.error)
    return chunk


def in_band(error: Any) -> UpstreamRefused:
    """The error an upstream put into a stream it had begun with status 200."""
    body = SECRETS.redact(error if isinstance(error, dict) else {"message": str(error)}).value
    code = body.get("code")
    return UpstreamRefused(
        str(body.get("message") or "The upstream reported an error."),
        upstream_status=200,
        error=body,
        param=body.get("param") if isinstance(body.get("param"), str) else None,
        code=str(code)[:MAX_NAME] if code is not None else None,
    )


class Meter:
    """What a reply amounted to, gathered while it passes: read by `pricing`, the record and the metrics."""

    __slots__ = ("chars", "events", "finish", "model", "usage")

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.finish: dict[int, str | None] = {}
        """Finish reason by choice index; None while the choice is still being made."""
        self.model = ""
        self.events = 0
        """Events that carried something made: text, refusal, reasoning or tool arguments."""
        self.chars = 0

    def see(self, chunk: Chunk) -> None:
        if chunk.usage:
            self.usage = chunk.usage.usage()
        if not self.model:
            self.model = (chunk.model or "")[:MAX_NAME]
        for choice in chunk.choices or ():
            if choice.finish_reason:
                self.finish[choice.index] = choice.finish_reason[:MAX_NAME]
            elif choice.index not in self.finish:
                self.finish[choice.index] = None
            made = choice.delta or choice.message
            text = choice.text if made is None else made.content
            if text:
                self.chars += len(text)
                self.events += 1
            elif made is not None and (made.tool_calls or made.thought or made.refusal):
                self.events += 1

    @property
    def finished(self) -> bool:
        """Every choice that began has its finish reason."""
        return bool(self.finish) and None not in self.finish.values()

    def estimate(self, body: Json) -> Usage:
        """For a reply without figures: a token for each event seen, and for four bytes of what was asked."""
        asked = body.get("messages") or body.get("prompt") or body.get("input")
        return Usage(input=len(orjson.dumps(asked)) // 4, output=max(self.events, self.chars // 4), estimated=True)
