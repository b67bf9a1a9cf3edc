"""The output items of a response while they are made: what each adds to the stream, and its body so far.

Events are without their sequence number, which the translator gives. What an event holds is a copy: events are
written after the item has gone on.
"""

from __future__ import annotations

import secrets
from typing import Literal, Protocol

from gateway.types import Json

End = Literal["completed", "incomplete"]


class Item(Protocol):
    body: Json

    def opened(self) -> list[Json]: ...

    def closed(self, end: End) -> list[Json]:
        """Nothing when it is closed already."""
        ...


class OpenItem:
    """What all items have: a place, an id, a status."""

    def __init__(self, index: int, prefix: str, body: Json) -> None:
        self.index = index
        self.id = f"{prefix}_{secrets.token_hex(24)}"
        self.body: Json = {"id": self.id, **body, "status": "in_progress"}

    def opened(self) -> list[Json]:
        return [{"type": "response.output_item.added", "output_index": self.index, "item": {**self.body}}]

    def closed(self, end: End) -> list[Json]:
        if self.body["status"] != "in_progress":
            return []
        self.body["status"] = end
        ends = self.last_parts()
        return [*ends, {"type": "response.output_item.done", "output_index": self.index, "item": {**self.body}}]

    def last_parts(self) -> list[Json]:
        raise NotImplementedError

    def event(self, kind: str, **fields: object) -> Json:
        return {"type": kind, "item_id": self.id, "output_index": self.index, **fields}


class PartsItem(OpenItem):
    """An item made of parts that come one after the other."""

    def opened(self) -> list[Json]:
        [event] = super().opened()
        event["item"]["content"] = []
        return [event]

    def part_done(self, at: int, part: Json) -> Json:
        """The event that ends the part's own text."""
        raise NotImplementedError

    def last_parts(self) -> list[Json]:
        parts = self.body["content"]
        if not parts:
            return []
        at = len(parts) - 1
        ended = self.event("response.content_part.done", content_index=at, part={**parts[at]})
        return [self.part_done(at, parts[at]), ended]

    def to_part(self, empty: Json) -> tuple[list[Json], int]:
        """The part under way if it is of `empty`'s type, else that as a new one; events of the change, its place."""
        parts = self.body["content"]
        if parts and parts[-1]["type"] == empty["type"]:
            return [], len(parts) - 1
        events = self.last_parts()
        parts.append(empty)
        at = len(parts) - 1
        return [*events, self.event("response.content_part.added", content_index=at, part={**empty})], at


class MessageItem(PartsItem):
    """The assistant's message: a text part, a refusal part, or one after the other."""

    def __init__(self, index: int) -> None:
        super().__init__(index, "msg", {"type": "message", "role": "assistant", "content": []})

    def add_text(self, text: str, logprobs: list[Json]) -> list[Json]:
        events, at = self.to_part({"type": "output_text", "text": "", "annotations": [], "logprobs": []})
        part = self.body["content"][at]
        part["text"] += text
        part["logprobs"] = part["logprobs"] + logprobs
        delta = self.event("response.output_text.delta", content_index=at, delta=text, logprobs=logprobs)
        return [*events, delta]

    def add_refusal(self, text: str) -> list[Json]:
        events, at = self.to_part({"type": "refusal", "refusal": ""})
        self.body["content"][at]["refusal"] += text
        return [*events, self.event("response.refusal.delta", content_index=at, delta=text)]

    def part_done(self, at: int, part: Json) -> Json:
        if part["type"] == "refusal":
            return self.event("response.refusal.done", content_index=at, refusal=part["refusal"])
        fields = {"text": part["text"], "logprobs": part["logprobs"]}
        return self.event("response.output_text.done", content_index=at, **fields)


class ReasoningItem(PartsItem):
    """Reasoning in the open, as some upstreams give it. Nothing is summarised or encrypted."""

    def __init__(self, index: int) -> None:
        super().__init__(index, "rs", {"type": "reasoning", "summary": [], "content": []})

    def add(self, text: str) -> list[Json]:
        events, at = self.to_part({"type": "reasoning_text", "text": ""})
        self.body["content"][at]["text"] += text
        return [*events, self.event("response.reasoning_text.delta", content_index=at, delta=text)]

    def part_done(self, at: int, part: Json) -> Json:
        return self.event("response.reasoning_text.done", content_index=at, text=part["text"])


class CallItem(OpenItem):
    """One function call."""

    def __init__(self, index: int, call_id: str, name: str) -> None:
        super().__init__(index, "fc", {"type": "function_call", "call_id": call_id, "name": name, "arguments": ""})

    def add(self, arguments: str | None) -> list[Json]:
        if not arguments:
            return []
        self.body["arguments"] += arguments
        return [self.event("response.function_call_arguments.delta", delta=arguments)]

    def last_parts(self) -> list[Json]:
        fields = {"name": self.body["name"], "arguments": self.body["arguments"]}
        return [self.event("response.function_call_arguments.done", **fields)]
