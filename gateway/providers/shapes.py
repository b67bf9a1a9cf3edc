"""OpenAI's reply objects, for providers that make their answers themselves."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import orjson

from gateway.types import Json, Operation
from gateway.wire.sse import DONE, frame


class Shape:
    """Writes one reply to `chat` or `completions`, whole or as events. `delta` and `message` are in chat's shape; for
    legacy completions their `content` becomes `text`."""

    def __init__(self, operation: Operation, model: str, body: Json) -> None:
        self._chat = operation == "chat"
        self._tells_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self._head: Json = {
            "id": f"{'chatcmpl' if self._chat else 'cmpl'}-{uuid4().hex}",
            "object": "chat.completion" if self._chat else "text_completion",
            "created": int(time.time()),
            "model": model,
        }

    def event(self, index: int, delta: Json, finish: str | None = None, logprobs: Any = None) -> bytes:
        choice = self._choice(index, "delta", delta, finish, logprobs)
        return self._event([choice], {"usage": None} if self._tells_usage else {})

    def end(self, usage: Json) -> bytes:
        """The usage, where it was asked for, and the end of the stream."""
        return (self._event([], {"usage": usage}) if self._tells_usage else b"") + DONE

    def choice(self, index: int, message: Json, finish: str | None, logprobs: Any = None) -> Json:
        whole = {"role": "assistant", "refusal": None, "annotations": [], **message}
        return self._choice(index, "message", whole, finish, logprobs)

    def whole(self, choices: list[Json], usage: Json) -> bytes:
        return orjson.dumps({**self._head, "choices": choices, "usage": usage})

    def _choice(self, index: int, key: str, said: Json, finish: str | None, logprobs: Any) -> Json:
        choice: Json = {"index": index, "logprobs": logprobs, "finish_reason": finish}
        if self._chat:
            return {**choice, key: said}
        return {**choice, "text": said.get("content") or ""}

    def _event(self, choices: list[Json], more: Json) -> bytes:
        chunk = {**self._head, "choices": choices, **more}
        if self._chat:
            chunk["object"] = "chat.completion.chunk"
        return frame(orjson.dumps(chunk))


def usage(given: int, made: int) -> Json:
    """A usage object of tokens read and made, none of them cached or of reasoning."""
    return {
        "prompt_tokens": given,
        "completion_tokens": made,
        "total_tokens": given + made,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
