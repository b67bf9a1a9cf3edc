"""The `input` of the responses API as chat messages.

What a chat completion has no place for is refused by name, with one declared exception: reasoning items of earlier
turns are left out, because only the service that made them can read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from gateway.errors import BadRequest, UnsupportedParam
from gateway.types import Json

ROLES = ("user", "assistant", "system", "developer")


def read_input(given: Any) -> list[Json]:
    """Chat messages for a string or a list of items. Raises `BadRequest` naming the item and field."""
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
    kind = item.get("type", "message")
    if kind == "message":
        messages.append(_message(item, where))
    elif kind == "function_call":
        _add_call(item, where, messages)
    elif kind == "function_call_output":
        content = _output(item.get("output"), f"{where}.output")
        messages.append({"role": "tool", "tool_call_id": _text(item, "call_id", where), "content": content})
    elif kind != "reasoning":
        message = f"Input items of type {str(kind)[:80]!r} are not supported by this gateway."
        raise UnsupportedParam(message, param=f"{where}.type")


def _message(item: Json, where: str) -> Json:
    role = item.get("role")
    if role not in ROLES:
        raise BadRequest(f"The role is one of {', '.join(ROLES)}.", param=f"{where}.role", code="invalid_value")
    content = item.get("content")
    if isinstance(content, str):
        return {"role": role, "content": content}
    if not isinstance(content, list):
        raise BadRequest("Content is a string or an array of parts.", param=f"{where}.content", code="invalid_type")
    parts = [read_part(part, f"{where}.content[{index}]") for index, part in enumerate(content)]
    if role == "assistant":
        return {"role": role, "content": "".join(part.get("text", "") for part in parts)}
    return {"role": role, "content": parts}


def read_part(part: Any, where: str) -> Json:
    """One content part in chat's shape."""
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in PARTS:
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
        image["detail"] = part["detail"]
    return {"type": "image_url", "image_url": image}


def _file_part(part: Json, where: str) -> Json:
    if part.get("file_id") is not None or part.get("file_url") is not None:
        raise UnsupportedParam("Files by id or URL are not supported; send file_data.", param=where)
    file = {"file_data": _text(part, "file_data", where)}
    if part.get("filename") is not None:
        file["filename"] = part["filename"]
    return {"type": "file", "file": file}


def _audio_part(part: Json, where: str) -> Json:
    return {"type": "input_audio", "input_audio": part.get("input_audio")}


PARTS: dict[Any, Callable[[Json, str], Json]] = {
    "input_text": _text_part,
    "output_text": _text_part,
    "refusal": _refusal_part,
    "input_image": _image_part,
    "input_file": _file_part,
    "input_audio": _audio_part,
}


def _add_call(item: Json, where: str, messages: list[Json]) -> None:
    """A function call joins the assistant's message it belongs to: calls made together are answered together."""
    function = {"name": _text(item, "name", where), "arguments": _text(item, "arguments", where, empty=True)}
    call = {"id": _text(item, "call_id", where), "type": "function", "function": function}
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    messages[-1].setdefault("tool_calls", []).append(call)


def _output(output: Any, where: str) -> str:
    if isinstance(output, str):
        return output
    if isinstance(output, list):
        parts = [read_part(part, f"{where}[{index}]") for index, part in enumerate(output)]
        if all(part["type"] == "text" for part in parts):
            return "".join(part["text"] for part in parts)
        raise UnsupportedParam("A function's output is text.", param=where)
    if isinstance(output, dict):
        return orjson.dumps(output).decode()
    raise BadRequest("A function call output needs 'output'.", param=where, code="missing_required_parameter")


def _text(item: Json, name: str, where: str, empty: bool = False) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not (value or empty):
        raise BadRequest(f"{name!r} must be a string.", param=f"{where}.{name}", code="invalid_type")
    return value
