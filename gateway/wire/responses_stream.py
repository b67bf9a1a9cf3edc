"""`/v1/responses`, the reply side: chat completions to response objects and typed events.

The events follow the reference of the responses API: each names its type twice (in the `event:` line and in the data)
and carries a `sequence_number` counted from 0. A stream ends with `response.completed`, `response.incomplete` or
`response.failed`; there is no `[DONE]`.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

import orjson

from gateway.errors import GatewayError, UpstreamFailed
from gateway.types import Json, Usage
from gateway.wire.chunks import Choice, Chunk, Meter, ToolCall, decode
from gateway.wire.responses_items import CallItem, Item, MessageItem, ReasoningItem
from gateway.wire.sse import EventSplitter, event_data, frame
from gateway.wire.surface import Call

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
CUT = "The upstream's stream ended before the answer did."


class ResponsesTranslator:
    """The `StoringTranslator` of the responses API."""

    def __init__(self, call: Call) -> None:
        self.meter = Meter()
        self.response_id = f"resp_{secrets.token_hex(24)}"
        self.result: Json | None = None
        self._call = call
        self._created = int(time.time())
        self._splitter = EventSplitter()
        self._sequence = 0
        self._begun = False
        self._done = False
        self._items: list[Item] = []
        self._calls: dict[int, CallItem] = {}
        self._model = ""

    # the protocol ----------------------------------------------------------------------------------------------------

    def pending(self) -> Json:
        return self._response("in_progress")

    def whole(self, body: bytes) -> bytes:
        chunk = decode(body)
        if not chunk.choices or chunk.choices[0].message is None:
            raise UpstreamFailed("The upstream sent something that is not a completion.", code="upstream_garbage")
        self.meter.see(chunk)
        self._model = chunk.model
        self._take(chunk.choices[0])
        self._close_all()
        self.result = self._final()
        return orjson.dumps(self.result)

    def feed(self, data: bytes) -> bytes:
        out: list[bytes] = []
        for event in self._splitter.feed(data):
            payload = event_data(event)
            if payload is None:
                continue
            if payload == b"[DONE]":
                self._done = True
                continue
            chunk = decode(payload)
            self.meter.see(chunk)
            self._begin(chunk, out)
            for choice in chunk.choices or ():
                if choice.index == 0:
                    out += [self._event(event_) for event_ in self._take(choice)]
        return b"".join(out)

    def finish(self) -> bytes:
        if not self._begun or not self.meter.finished or (self._splitter.rest.strip() and not self._done):
            raise UpstreamFailed(CUT, code="upstream_cut")
        out = [self._event(event) for event in self._close_all()]
        self.result = self._final()
        out.append(self._event({"type": f"response.{self.result['status']}", "response": self.result}))
        return b"".join(out)

    def fail(self, error: GatewayError) -> bytes:
        self.result = self._response("failed", [item.body for item in self._items])
        self.result["error"] = {"code": error.code or "server_error", "message": error.message}
        return self._event({"type": "response.failed", "response": self.result})

    # events ----------------------------------------------------------------------------------------------------------

    def _begin(self, chunk: Chunk, out: list[bytes]) -> None:
        if self._begun:
            return
        self._begun = True
        self._model = chunk.model
        for kind in ("response.created", "response.in_progress"):
            out.append(self._event({"type": kind, "response": self.pending()}))

    def _event(self, event: Json) -> bytes:
        event["sequence_number"] = self._sequence
        self._sequence += 1
        return frame(orjson.dumps(event), event["type"].encode())

    def _take(self, choice: Choice) -> list[Json]:
        """What a delta (or a whole message) adds, as events without their numbers."""
        made = choice.delta or choice.message
        if made is None:
            return []
        events: list[Json] = []
        if made.thought:
            events += self._open(ReasoningItem, events).add(made.thought)
        if made.content:
            events += self._open(MessageItem, events).add_text(made.content, _logprobs(choice))
        if made.refusal:
            events += self._open(MessageItem, events).add_refusal(made.refusal)
        for position, call in enumerate(made.tool_calls or ()):
            index = call.index if choice.delta is not None else position
            events += self._call_item(index, call, events).add(call.function.arguments if call.function else None)
        return events

    def _open(self, kind: type[Any], events: list[Json]) -> Any:
        """The item under way if it is of this kind, else a new one; the one before it is closed first."""
        if self._items and isinstance(self._items[-1], kind):
            return self._items[-1]
        self._close_text(events)
        return self._append(kind(len(self._items)), events)

    def _call_item(self, index: int, call: ToolCall, events: list[Json]) -> CallItem:
        if index not in self._calls:
            self._close_text(events)
            name = call.function.name if call.function is not None else None
            item = CallItem(len(self._items), call.id or f"call_{secrets.token_hex(12)}", name or "")
            self._calls[index] = item
            self._append(item, events)
        return self._calls[index]

    def _append(self, item: Item, events: list[Json]) -> Item:
        self._items.append(item)
        events += item.opened()
        return item

    def _close_text(self, events: list[Json]) -> None:
        if self._items and not isinstance(self._items[-1], CallItem):
            events += self._items[-1].closed()

    def _close_all(self) -> list[Json]:
        events: list[Json] = []
        for item in self._items:
            events += item.closed()
        return events

    # response objects ------------------------------------------------------------------------------------------------

    def _final(self) -> Json:
        finish = self.meter.finish.get(0)
        reason = INCOMPLETE.get(finish or "")
        response = self._response("incomplete" if reason else "completed", [item.body for item in self._items])
        response["incomplete_details"] = {"reason": reason} if reason else None
        usage = self.meter.usage or self.meter.estimate(self._call.body)
        response["usage"] = _usage(usage)
        return response

    def _response(self, status: str, output: list[Json] | None = None) -> Json:
        asked = self._call.asked
        told = {name: asked.get(name) for name in ECHOED}
        return {
            "id": self.response_id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": self._call.background,
            "error": None,
            "incomplete_details": None,
            **told,
            "max_tool_calls": None,
            "metadata": asked.get("metadata") or {},
            "model": self._model or self._call.model,
            "output": output or [],
            "parallel_tool_calls": asked.get("parallel_tool_calls", True) is not False,
            "reasoning": {"effort": None, "summary": None, **(asked.get("reasoning") or {})},
            "store": self._call.store,
            "temperature": _or(asked.get("temperature"), 1.0),
            "text": {"format": {"type": "text"}, **(asked.get("text") or {})},
            "tool_choice": asked.get("tool_choice") or "auto",
            "tools": asked.get("tools") or [],
            "top_logprobs": asked.get("top_logprobs") or 0,
            "top_p": _or(asked.get("top_p"), 1.0),
            "truncation": asked.get("truncation") or "disabled",
            "usage": None,
        }


ECHOED = (
    "instructions",
    "max_output_tokens",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "safety_identifier",
    "service_tier",
    "user",
)


def _or(value: Any, other: Any) -> Any:
    return other if value is None else value


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


def _logprobs(choice: Choice) -> list[Json]:
    if choice.logprobs is None:
        return []
    found = orjson.loads(choice.logprobs)
    return (found.get("content") or []) if isinstance(found, dict) else []
