"""Messages of Inspect's in the form of OpenAI's chat completions."""

from __future__ import annotations

import json
from typing import Any

from evals.sample import Json

UNSEEN = frozenset(("reasoning", "tool_use", "data"))
"""Parts of an answer that are not said to anybody, or are another provider's own."""
CARRIED = frozenset(("text", "image"))


def message(given: Json) -> Json:
    """Ids and sources of Inspect's stay behind, and so do thoughts."""
    kept = {key: given[key] for key in ("role", "tool_call_id") if given.get(key) is not None}
    if given.get("content") is not None:
        kept["content"] = _content(given["content"])
    calls = [{"id": call.get("id", ""), "type": "function", "function": _function(call)} for call in _calls(given)]
    return {**kept, "tool_calls": calls} if calls else kept


def strange(given: Json) -> list[str]:
    """Types of parts that have no place in these messages: sounds, films, documents."""
    content = given.get("content")
    types = {str(part.get("type")) for part in content if isinstance(part, dict)} if isinstance(content, list) else ()
    return sorted(set(types) - CARRIED - UNSEEN)


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content or [] if part.get("type", "text") == "text")


def _calls(given: Json) -> list[Json]:
    return [call for call in given.get("tool_calls") or [] if isinstance(call, dict)]


def _function(call: Json) -> Json:
    return {"name": call.get("function", ""), "arguments": json.dumps(call.get("arguments"))}


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    parts = [_part(part) for part in content if isinstance(part, dict) and part.get("type") in CARRIED]
    alone = all(part["type"] == "text" for part in parts)
    return "".join(part["text"] for part in parts) if alone else parts


def _part(part: Json) -> Json:
    if part["type"] == "text":
        return {"type": "text", "text": str(part.get("text", ""))}
    more = {"detail": part["detail"]} if part.get("detail") else {}
    return {"type": "image_url", "image_url": {"url": str(part.get("image", "")), **more}}
