"""What was said in a reply of events: the pieces of a text put together, in any of the APIs a client may speak.

A card number that came in four events is one only here; that is why content is redacted in this form.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from gateway.types import Json
from gateway.wire.sse import EventSplitter, event_data

DELTAS = ("content", "refusal", "reasoning_content", "reasoning")
BLOCK_DELTAS = ("text", "thinking", "partial_json")


def spoken(events: bytes) -> dict[str, str]:
    """Texts by where they stand, as `choices.0.content`; an event that is cut off, or no JSON, is left out."""
    said: dict[str, list[str]] = {}
    for event in EventSplitter(limit=len(events)).feed(events):
        try:
            body = orjson.loads(event_data(event) or b"null")
        except orjson.JSONDecodeError:
            continue
        if isinstance(body, dict):
            for place, text in _pieces(body):
                said.setdefault(place, []).append(text)
    return {place: "".join(pieces) for place, pieces in said.items()}


def _pieces(body: Json) -> Iterator[tuple[str, str]]:
    kind = body.get("type")
    if body.get("error"):
        yield "error", orjson.dumps(body["error"]).decode()
    elif isinstance(kind, str) and kind.startswith("response."):
        yield from _of_response(kind, body)
    elif isinstance(kind, str) and kind.startswith("content_block_"):
        yield from _of_block(body)
    else:
        for choice in body.get("choices") or ():
            yield from _of_choice(f"choices.{choice.get('index', 0)}", choice)


def _of_choice(place: str, choice: Json) -> Iterator[tuple[str, str]]:
    yield from _texts(place, choice, ("text",))
    delta = choice.get("delta") or {}
    yield from _texts(place, delta, DELTAS)
    for call in delta.get("tool_calls") or ():
        yield from _texts(
            f"{place}.tool_calls.{call.get('index', 0)}", call.get("function") or {}, ("name", "arguments")
        )


def _of_response(kind: str, body: Json) -> Iterator[tuple[str, str]]:
    if kind.endswith(".delta") and isinstance(body.get("delta"), str):
        yield f"output.{body.get('output_index', 0)}.{kind.split('.')[1]}", body["delta"]
    elif kind == "response.output_item.added":
        yield from _texts(f"output.{body.get('output_index', 0)}", body.get("item") or {}, ("name",))
    elif kind == "response.failed":
        yield "error", orjson.dumps((body.get("response") or {}).get("error")).decode()


def _of_block(body: Json) -> Iterator[tuple[str, str]]:
    place = f"content.{body.get('index', 0)}"
    yield from _texts(place, body.get("content_block") or {}, ("name", *BLOCK_DELTAS))
    yield from _texts(place, body.get("delta") or {}, BLOCK_DELTAS)


def _texts(place: str, held: Any, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in names:
        if isinstance(held.get(name), str) and held[name]:
            yield f"{place}.{name}", held[name]
