"""The output items of a response while they are made: what each adds to the stream, and its body so far."""

from __future__ import annotations

import secrets
from typing import Protocol

from gateway.types import Json


class Item(Protocol):
    """Events are without their sequence number, which the translator gives."""

    body: Json

    def opened(self) -> list[Json]: ...

    def closed(self) -> list[Json]:
        """Nothing when it is closed already."""
        ...


class OpenItem:
    """What all items have: a place, an id, a status."""

    def __init__(self, index: int, prefix: str, body: Json) -> None:
        self.index = index
        self.id = f"{prefix}_{secrets.token_hex(24)}"
        self.body: Json = {"id": self.id, **body, "status": "in_progress"}

    def opened(self) -> list[Json]:
        return [{"type": "response.output_item.added", "output_index": self.index, "item": dict(self.body)}]

    def closed(self) -> list[Json]:
        if self.body["status"] != "in_progress":
            return []
        self.body["status"] = "completed"
        ends = self.last_parts()
        return [*ends, {"type": "response.output_item.done", "output_index": self.index, "item": dict(self.body)}]

    def last_parts(self) -> list[Json]:
        return []

    def event(self, kind: str, **fields: object) -> Json:
        return {"type": kind, "item_id": self.id, "output_index": self.index, **fields}


class MessageItem(OpenItem):
    """The assistant's message: a text part, a refusal part, or one after the other."""

    def __init__(self, index: int) -> None:
        super().__init__(index, "msg", {"type": "message", "role": "assistant", "content": []})

    def opened(self) -> list[Json]:
        self.body["content"] = []
        return [
            {"type": "response.output_item.added", "output_index": self.index, "item": {**self.body, "content": []}}
        ]

    def add_text(self, text: str, logprobs: list[Json]) -> list[Json]:
        events, at = self._part("output_text", {"text": "", "annotations": [], "logprobs": []})
        part = self.body["content"][at]
        part["text"] += text
        part["logprobs"] += logprobs
        delta = self.event("response.output_text.delta", content_index=at, delta=text, logprobs=logprobs)
        return [*events, delta]

    def add_refusal(self, text: str) -> list[Json]:
        events, at = self._part("refusal", {"refusal": ""})
        self.body["content"][at]["refusal"] += text
        return [*events, self.event("response.refusal.delta", content_index=at, delta=text)]

    def last_parts(self) -> list[Json]:
        return self._end_part() if self.body["content"] else []

    def _part(self, kind: str, fresh: Json) -> tuple[list[Json], int]:
        """The part under way if it is of this kind, else a new one; events of the change, and its place."""
        parts = self.body["content"]
        if parts and parts[-1]["type"] == kind:
            return [], len(parts) - 1
        events = self._end_part() if parts else []
        part = {"type": kind, **fresh}
        parts.append(part)
        at = len(parts) - 1
        added = self.event("response.content_part.added", content_index=at, part={**part})
        return [*events, added], at

    def _end_part(self) -> list[Json]:
        at = len(self.body["content"]) - 1
        part = self.body["content"][at]
        if part["type"] == "output_text":
            fields = {"text": part["text"], "logprobs": part["logprobs"]}
            done = self.event("response.output_text.done", content_index=at, **fields)
        else:
            done = self.event("response.refusal.done", content_index=at, refusal=part["refusal"])
        return [done, self.event("response.content_part.done", content_index=at, part={**part})]


class ReasoningItem(OpenItem):
    """Reasoning in the open, as some upstreams give it."""

    def __init__(self, index: int) -> None:
        body = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": ""}]}
        super().__init__(index, "rs", body)

    def add(self, text: str) -> list[Json]:
        self.body["content"][0]["text"] += text
        return [self.event("response.reasoning_text.delta", content_index=0, delta=text)]

    def last_parts(self) -> list[Json]:
        return [self.event("response.reasoning_text.done", content_index=0, text=self.body["content"][0]["text"])]


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
