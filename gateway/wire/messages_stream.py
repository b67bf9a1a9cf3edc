"""`/v1/messages`: Anthropic's wire, the reply side. A chat completion becomes a message, its chunks typed events.

Anthropic sends content blocks one after the other, a chat completion may mix them: what arrives for a block that is
not open yet waits until the one before it is complete.

`stop_sequence` is known only from upstreams that name the sequence they met (vLLM's `stop_reason`); elsewhere such a
reply says `end_turn`. Thinking is shown where the request asked for it and is unsigned. A tool call without arguments
has the input `{}`.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
import orjson

from gateway.errors import GatewayError, UpstreamFailed
from gateway.types import Json, Usage
from gateway.wire.chunks import Chunk, Delta, Meter, ToolCall, decode
from gateway.wire.sse import EventSplitter, event_data, frame
from gateway.wire.surface import Call

ERROR_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
STOP_REASONS = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
PING = frame(b'{"type":"ping"}', b"ping")


def error_bytes(error: GatewayError) -> bytes:
    """Anthropic's error object; `param` and `code` are OpenAI's, kept because they name the field at fault."""
    kind = ERROR_TYPES.get(error.status) or ("invalid_request_error" if error.status < 500 else "api_error")
    body = {"type": kind, "message": error.message, "param": error.param, "code": error.code}
    return orjson.dumps({"type": "error", "error": body})


class Block:
    """A content block in the making; `start` is how it begins, `made` what was added to it so far."""

    __slots__ = ("index", "made", "start")

    def __init__(self, index: int, start: Json) -> None:
        self.index = index
        self.start = start
        self.made: list[str] = []

    @property
    def complete(self) -> bool:
        """Whether nothing more will come, given that another block has begun: a call's arguments are whole JSON."""
        return self.start["type"] != "tool_use" or _parsed("".join(self.made)) is not None

    def delta(self, text: str) -> bytes:
        match self.start["type"]:
            case "text":
                delta = {"type": "text_delta", "text": text}
            case "thinking":
                delta = {"type": "thinking_delta", "thinking": text}
            case _:
                delta = {"type": "input_json_delta", "partial_json": text}
        return _event("content_block_delta", index=self.index, delta=delta)

    def whole(self) -> Json:
        """The finished block. Raises `UpstreamFailed` for arguments that are no JSON object."""
        made, kind = "".join(self.made), self.start["type"]
        if kind != "tool_use":
            return {**self.start, kind: made}
        given = _parsed(made) if made.strip() else {}
        if type(given) is not dict:
            message = f"The arguments of the call to {self.start['name']!r} are not a JSON object, or were cut off."
            raise UpstreamFailed(message, code="upstream_garbage")
        return {**self.start, "input": given}


class Blocks:
    """The content of one message: blocks told to the client one after the other, in the order they began.

    Each method gives the events that are due. Only the block at `_at` is open; those after it wait.
    """

    __slots__ = ("_at", "all")

    def __init__(self) -> None:
        self.all: list[Block] = []
        self._at = 0

    def begin(self, start: Json) -> list[bytes]:
        self.all.append(Block(len(self.all), start))
        return self._opened() if len(self.all) == 1 else self._advance()

    def add(self, block: Block, text: str) -> list[bytes]:
        if block.index < self._at:
            if not text.strip():
                return []
            raise UpstreamFailed("The upstream added to a tool call that was complete.", code="upstream_garbage")
        block.made.append(text)
        return [block.delta(text), *self._advance()] if block.index == self._at else []

    def close(self) -> list[bytes]:
        out = []
        while self._at < len(self.all):
            out += self._next()
        return out

    def _advance(self) -> list[bytes]:
        out = []
        while self._at < len(self.all) - 1 and self.all[self._at].complete:
            out += self._next()
        return out

    def _next(self) -> list[bytes]:
        stop = _event("content_block_stop", index=self._at)
        self._at += 1
        return [stop, *self._opened()] if self._at < len(self.all) else [stop]

    def _opened(self) -> list[bytes]:
        block = self.all[self._at]
        start = _event("content_block_start", index=block.index, content_block=block.start)
        return [start, block.delta("".join(block.made))] if block.made else [start]


class MessagesTranslator:
    """The `Translator` of Messages. Only the first choice becomes the message."""

    __slots__ = (
        "_blocks",
        "_call",
        "_calls",
        "_id",
        "_out",
        "_refused",
        "_shows_thinking",
        "_splitter",
        "_stop_sequence",
        "meter",
    )

    def __init__(self, call: Call) -> None:
        self.meter = Meter()
        self._call = call
        self._splitter = EventSplitter()
        self._id = ""
        self._out: list[bytes] = []
        """Events for the client, not given out yet."""
        self._blocks = Blocks()
        self._calls: dict[int, Block] = {}
        self._refused = False
        self._stop_sequence: str | None = None
        thinking = call.asked.get("thinking") or {}
        self._shows_thinking = thinking.get("type") in ("enabled", "adaptive") and thinking.get("display") != "omitted"

    def whole(self, body: bytes) -> bytes:
        chunk = decode(body)
        self.meter.see(chunk)
        made = next((choice.message for choice in chunk.choices or () if choice.index == 0), None)
        if made is None:
            raise UpstreamFailed("The upstream sent something that is not a completion.", code="upstream_garbage")
        self._id = _message_id(chunk)
        self._stop_sequence = _stop_sequence(body)
        for index, call in enumerate(made.tool_calls or ()):
            call.index = index  # a whole reply does not number them
        self._take(made)
        content = [block.whole() for block in self._blocks.all]
        return orjson.dumps({**self._message(), "content": content, **self._ending(), "usage": self._usage()})

    def feed(self, data: bytes) -> bytes:
        out = self._out
        for event in self._splitter.feed(data):
            payload = event_data(event)
            if payload is None:
                if self._id:
                    out.append(PING)  # the upstream keeps the connection alive
            elif payload != b"[DONE]":
                out += self._chunk(decode(payload), payload)
        return self._given_out()

    def finish(self) -> bytes:
        if not self.meter.finished or self._splitter.torn:
            raise UpstreamFailed("The upstream's stream ended before the answer did.", code="upstream_cut")
        out = self._blocks.close()
        out.append(_event("message_delta", delta=self._ending(), usage=self._usage()))
        out.append(_event("message_stop"))
        return b"".join(out)

    def fail(self, error: GatewayError) -> bytes:
        return self._given_out() + frame(error_bytes(error), b"error")

    def _given_out(self) -> bytes:
        data = b"".join(self._out)
        self._out.clear()
        return data

    def _chunk(self, chunk: Chunk, payload: bytes) -> list[bytes]:
        self.meter.see(chunk)
        if not chunk.choices:
            return []
        out = []
        if not self._id:
            self._id = _message_id(chunk)
            out.append(_event("message_start", message=self._message()))
        for choice in chunk.choices:
            if choice.index != 0:
                continue
            if choice.delta is not None:
                out += self._take(choice.delta)
            if choice.finish_reason:
                self._stop_sequence = _stop_sequence(payload)
        return out

    def _take(self, made: Delta) -> list[bytes]:
        """What a delta, or a whole message, adds to the content."""
        out = []
        if made.thought and self._shows_thinking:
            out += self._text("thinking", made.thought)
        if made.said:
            out += self._text("text", made.said)
        if made.refusal:
            self._refused = True
            out += self._text("text", made.refusal)
        for call in made.tool_calls or ():
            out += self._tool_call(call)
        return out

    def _text(self, kind: str, text: str) -> list[bytes]:
        blocks, out = self._blocks, []
        if not blocks.all or blocks.all[-1].start["type"] != kind:
            start = {"type": kind, kind: ""}
            if kind == "thinking":
                start["signature"] = ""
            out = blocks.begin(start)
        return out + blocks.add(blocks.all[-1], text)

    def _tool_call(self, call: ToolCall) -> list[bytes]:
        blocks, out = self._blocks, []
        block, function = self._calls.get(call.index), call.function
        name = function.name if function is not None else None
        # Some servers number all calls of a turn 0: then a new id with a name is a new call.
        if block is None or (name and call.id and call.id != block.start["id"]):
            if not name:
                raise UpstreamFailed("The upstream sent a tool call without a name.", code="upstream_garbage")
            made_id = f"toolu_{self._id.removeprefix('msg_')}_{len(blocks.all)}"
            out = blocks.begin({"type": "tool_use", "id": call.id or made_id, "name": name, "input": {}})
            block = self._calls[call.index] = blocks.all[-1]
        if function is not None and function.arguments:
            out += blocks.add(block, function.arguments)
        return out

    def _message(self) -> Json:
        """The message as it begins."""
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self.meter.model or self._call.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _usage(self.meter.usage or Usage()),
        }

    def _ending(self) -> Json:
        finish = self.meter.finish.get(0) or ""
        reason = STOP_REASONS.get(finish, "end_turn")
        stopped = self._stop_sequence if reason == "end_turn" else None
        if reason == "end_turn":
            if self._refused:
                reason = "refusal"
            elif self._calls:
                reason = "tool_use"  # a call the client forced ends with `stop` at OpenAI
            elif stopped is not None:
                reason = "stop_sequence"
        return {"stop_reason": reason, "stop_sequence": stopped if reason == "stop_sequence" else None}

    def _usage(self) -> Json:
        return _usage(self.meter.usage or self.meter.estimate(self._call.body))


def _event(kind: str, **fields: Any) -> bytes:
    return frame(orjson.dumps({"type": kind, **fields}), kind.encode())


def _usage(usage: Usage) -> Json:
    """Anthropic counts cached tokens beside the input, not within it."""
    told: Json = {
        "input_tokens": max(usage.input - usage.cached, 0),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return told


def _message_id(chunk: Chunk) -> str:
    return "msg_" + ((chunk.id or "").removeprefix("chatcmpl-") or secrets.token_hex(12))


def _parsed(arguments: str) -> Any:
    """The JSON value, or None while it is not whole."""
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return None


class _Stop(msgspec.Struct, gc=False):
    index: int = 0
    stop_reason: str | int | None = None


class _Stops(msgspec.Struct, gc=False):
    choices: list[_Stop]


def _stop_sequence(payload: bytes) -> str | None:
    """The stop sequence the first choice met, from upstreams that tell."""
    if b'"stop_reason"' not in payload:
        return None
    try:
        stops = msgspec.json.decode(payload, type=_Stops)
    except msgspec.ValidationError:
        return None
    return next((s.stop_reason for s in stops.choices if s.index == 0 and type(s.stop_reason) is str), None)
