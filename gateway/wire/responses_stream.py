"""`/v1/responses`, the reply side: chat completions to response objects and typed events.

The events follow the reference of the responses API: each names its type twice (in the `event:` line and in the data)
and carries a `sequence_number` counted from 0. A stream ends with `response.completed`, `response.incomplete` or
`response.failed`; there is no `[DONE]`.
"""

from __future__ import annotations

import secrets
import time
from typing import TypeVar

import orjson

from gateway.errors import GatewayError, UpstreamFailed
from gateway.types import Json
from gateway.wire.chunks import Choice, Chunk, Delta, Meter, ToolCall, decode
from gateway.wire.responses_items import CallItem, End, Item, MessageItem, ReasoningItem
from gateway.wire.responses_object import error_object, logprobs_of, response_object, usage_object
from gateway.wire.sse import EventSplitter, event_data, frame
from gateway.wire.surface import Call

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons of a chat completion that leave a response incomplete, and what it calls them."""
BEGINNING = ("response.created", "response.in_progress")
CUT = "The upstream's stream ended before the answer did."

Text = TypeVar("Text", MessageItem, ReasoningItem)


class ResponsesTranslator:
    """The `StoringTranslator` of the responses API."""

    def __init__(self, call: Call) -> None:
        self.meter = Meter()
        self.response_id = call.response_id
        self.result: Json | None = None
        self._call = call
        self._created = call.created
        self._splitter = EventSplitter()
        self._sequence = 0
        self._model = call.model
        self._tier: str | None = None
        self._done = False
        self._items: list[Item] = []
        self._calls: dict[int, CallItem] = {}
        self._out: list[bytes] = []
        """Events for the client, not given out yet."""

    # the protocol ----------------------------------------------------------------------------------------------------

    def pending(self) -> Json:
        response = response_object(self._call, self.response_id, self._created)
        response["model"] = self._model
        response["service_tier"] = self._tier or response["service_tier"]
        return response

    def whole(self, body: bytes) -> bytes:
        chunk = decode(body)
        if not chunk.choices or chunk.choices[0].message is None:
            raise UpstreamFailed("The upstream sent something that is not a completion.", code="upstream_garbage")
        self._see(chunk)
        choice = chunk.choices[0]
        message = choice.message
        assert message is not None
        for position, call in enumerate(message.tool_calls or ()):
            call.index = position  # only deltas carry one
        self._take(message, choice)
        self._finish()
        return orjson.dumps(self.result)

    def feed(self, data: bytes) -> bytes:
        out = self._out
        for event in self._splitter.feed(data):
            payload = event_data(event)
            if payload is None or self._done:
                continue
            if payload == b"[DONE]":
                self._done = True
                continue
            chunk = decode(payload)
            self._see(chunk)
            self._begin(out)
            for choice in chunk.choices or ():
                if choice.index == 0 and choice.delta is not None:
                    out += map(self._event, self._take(choice.delta, choice))
        return self._given_out()

    def finish(self) -> bytes:
        if not self.meter.finished or (self._splitter.torn and not self._done):
            raise UpstreamFailed(CUT, code="upstream_cut")
        return self._last(self._finish())

    def fail(self, error: GatewayError) -> bytes:
        self._begin(self._out)
        for item in self._items:
            item.closed("incomplete")  # their ends are not told: they have none
        self.result = {**self.pending(), "status": "failed", "error": error_object(error)}
        self.result["output"] = [item.body for item in self._items]
        if self.meter.usage is not None:
            self.result["usage"] = usage_object(self.meter.usage)
        return self._given_out() + self._last([])

    def _given_out(self) -> bytes:
        data = b"".join(self._out)
        self._out.clear()
        return data

    # events ----------------------------------------------------------------------------------------------------------

    def _see(self, chunk: Chunk) -> None:
        self.meter.see(chunk)
        self._model = self.meter.model or self._call.model
        self._tier = chunk.service_tier or self._tier

    def _begin(self, out: list[bytes]) -> None:
        if self._sequence == 0:
            out += [self._event({"type": kind, "response": self.pending()}) for kind in BEGINNING]

    def _event(self, event: Json) -> bytes:
        event["sequence_number"] = self._sequence
        self._sequence += 1
        return frame(orjson.dumps(event), event["type"].encode())

    def _last(self, events: list[Json]) -> bytes:
        assert self.result is not None
        last = {"type": f"response.{self.result['status']}", "response": self.result}
        return b"".join(map(self._event, [*events, last]))

    def _take(self, made: Delta, choice: Choice) -> list[Json]:
        """What a delta, or a whole message, adds: events without their numbers."""
        events: list[Json] = []
        if made.thought:
            events += self._text_item(ReasoningItem, events).add(made.thought)
        if made.said:
            events += self._text_item(MessageItem, events).add_text(made.said, logprobs_of(choice))
        if made.refusal:
            events += self._text_item(MessageItem, events).add_refusal(made.refusal)
        for call in made.tool_calls or ():
            events += self._call_item(call, events).add(call.function.arguments if call.function else None)
        return events

    def _text_item(self, kind: type[Text], events: list[Json]) -> Text:
        """The item under way if it is of this kind, else a new one; the one before it is closed first."""
        last = self._items[-1] if self._items else None
        if isinstance(last, kind):
            return last
        self._close_text(events)
        item = kind(len(self._items))
        self._open(item, events)
        return item

    def _call_item(self, call: ToolCall, events: list[Json]) -> CallItem:
        item = self._calls.get(call.index)
        if item is None:
            self._close_text(events)
            name = call.function.name if call.function is not None else None
            item = CallItem(len(self._items), call.id or f"call_{secrets.token_hex(12)}", name or "")
            self._calls[call.index] = item
            self._open(item, events)
        return item

    def _open(self, item: Item, events: list[Json]) -> None:
        self._items.append(item)
        events += item.opened()

    def _close_text(self, events: list[Json]) -> None:
        """Text ends where the next item begins; calls stay open, for parallel ones may arrive in turns."""
        if self._items and not isinstance(self._items[-1], CallItem):
            events += self._items[-1].closed("completed")

    def _finish(self) -> list[Json]:
        """Close what is open and set the result; the events of that."""
        reason = INCOMPLETE.get(self.meter.finish.get(0) or "")
        end: End = "incomplete" if reason is not None else "completed"
        events = [event for item in self._items for event in item.closed(end)]
        self.result = {**self.pending(), "status": end}
        self.result["output"] = [item.body for item in self._items]
        self.result["usage"] = usage_object(self.meter.usage or self.meter.estimate(self._call.body))
        if reason is not None:
            self.result["incomplete_details"] = {"reason": reason}
        else:
            self.result["completed_at"] = int(time.time())
        return events
