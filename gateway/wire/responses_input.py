"""The `input` of the responses API as a conversation: chat messages, and reasoning items between them.

What a chat completion has no place for is refused by name, with one declared exception: reasoning items stay in the
conversation as they came, encrypted content too, and are not sent on, because only the service that made them can read
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.errors import BadRequest, UnsupportedParam
from gateway.types import Json
from gateway.wire.conversation import last_message

ROLES = ("user", "assistant", "system", "developer")


def read_input(given: Any) -> list[Json]:
    """The conversation in a string or a list of items. Raises `BadRequest` naming the item and field."""
    if given is None:
        return []
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise BadRequest("'input' must be a string or an array of items.", param="input", code="invalid_type")
    messages: list[Json] = []
    for index, item in enumerate(given):
        where = f"input[{index}]"
        if not isinstance(item, dict):
            raise BadRequest("An input item is an object.", param=where, code="invalid_type")
        _read_item(item, where, messages)
    return messages


def _read_item(item: Json, where: str, messages: list[Json]) -> None:
    kind = item.get("type") or "message"
    if kind == "message":
        _add_message(item, where, messages)
    elif kind == "function_call":
        _add_call(item, where, messages)
    elif kind == "function_call_output":
        content = _output(item.get("output"), f"{where}.output")
        messages.append({"role": "tool", "tool_call_id": _text(item, "call_id", where), "content": content})
    elif kind == "reasoning":
        if "role" in item:  # what has a role is a message, and would be sent on unread
            raise BadRequest("A reasoning item has no role.", param=f"{where}.role", code="unknown_parameter")
        messages.append(item)
    elif kind == "item_reference":
        message = "Items cannot be referred to by id: send the item itself, or go on from 'previous_response_id'."
        raise UnsupportedParam(message, param=f"{where}.type")
    else:
        message = f"Input items of type {str(kind)[:80]!r} are not supported by this gateway."
        raise UnsupportedParam(message, param=f"{where}.type")


def _add_message(item: Json, where: str, messages: list[Json]) -> None:
    role = item.get("role")
    if role not in ROLES:
        raise BadRequest(f"The role is one of {', '.join(ROLES)}.", param=f"{where}.role", code="invalid_value")
    content = _content(item.get("content"), role, f"{where}.content")
    last = last_message(messages)
    if role == "assistant" and last is not None and "tool_calls" in last and last["content"] is None:
        last["content"] = content  # text after its calls: one message, or the calls would stand unanswered
    else:
        messages.append({"role": role, "content": content})


def _content(content: Any, role: str, where: str) -> str | list[Json]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadRequest("Content is a string or an array of parts.", param=where, code="invalid_type")
    parts = [read_part(part, f"{where}[{index}]") for index, part in enumerate(content)]
    if role == "user":
        return parts
    for index, part in enumerate(parts):
        if part["type"] != "text":
            message = f"A message of the role {role!r} holds text only."
            raise BadRequest(message, param=f"{where}[{index}].type", code="invalid_value")
    return "".join(part["text"] for part in parts) if role == "assistant" else parts


def read_part(part: Any, where: str) -> Json:
    """One content part in chat's shape."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in PARTS:
        known = ", ".join(PARTS)
        raise BadRequest(f"A content part is an object of type {known}.", param=f"{where}.type", code="invalid_value")
    return PARTS[kind](part, where)


def _text_part(part: Json, where: str) -> Json:
    return {"type": "text", "text": _text(part, "text", where, empty=True)}


def _refusal_part(part: Json, where: str) -> Json:
    return {"type": "text", "text": _text(part, "refusal", where, empty=True)}


def _image_part(part: Json, where: str) -> Json:
    if part.get("file_id") is not None:
        raise UnsupportedParam("Images by file id are not supported; send a URL.", param=f"{where}.file_id")
    image: Json = {"url": _text(part, "image_url", where)}
    if part.get("detail") is not None:
        image["detail"] = _text(part, "detail", where)
    return {"type": "image_url", "image_url": image}


def _file_part(part: Json, where: str) -> Json:
    for name in ("file_id", "file_url"):
        if part.get(name) is not None:
            message = f"Files by {name!r} are not supported by this gateway; send 'file_data'."
            raise UnsupportedParam(message, param=f"{where}.{name}")
    file = {"file_data": _text(part, "file_data", where)}
    if part.get("filename") is not None:
        file["filename"] = _text(part, "filename", where)
    return {"type": "file", "file": file}


PARTS: dict[str, Callable[[Json, str], Json]] = {
    "input_text": _text_part,
    "output_text": _text_part,
    "refusal": _refusal_part,
    "input_image": _image_part,
    "input_file": _file_part,
}


def _add_call(item: Json, where: str, messages: list[Json]) -> None:
    """A function call joins the assistant's message it belongs to: calls made together are answered together."""
    function = {"name": _text(item, "name", where), "arguments": _text(item, "arguments", where, empty=True)}
    call = {"id": _text(item, "call_id", where), "type": "function", "function": function}
    last = last_message(messages)
    if last is None or last["role"] != "assistant":
        last = {"role": "assistant", "content": None}
        messages.append(last)
    last.setdefault("tool_calls", []).append(call)


def _output(output: Any, where: str) -> str:
    if isinstance(output, str):
        return output
    if not isinstance(output, list):
        message = "'output' must be a string or an array of parts."
        raise BadRequest(message, param=where, code="invalid_type")
    parts = [read_part(part, f"{where}[{index}]") for index, part in enumerate(output)]
    for index, part in enumerate(parts):
        if part["type"] != "text":
            raise UnsupportedParam("A function's output is text only.", param=f"{where}[{index}].type")
    return "".join(part["text"] for part in parts)


def _text(item: Json, name: str, where: str, empty: bool = False) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not (value or empty):
        kind = "a string" if empty else "a non-empty string"
        raise BadRequest(f"{name!r} must be {kind}.", param=f"{where}.{name}", code="invalid_type")
    return value
