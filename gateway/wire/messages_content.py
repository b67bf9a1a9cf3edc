"""Anthropic's turns and content blocks, as the messages of a chat completion.

One turn may become several messages: the results of tools come first, each a message of role `tool`, then what the
user said. A field at fault is named exactly, as in `messages[0].content[1].source.data`.
"""

from __future__ import annotations

from typing import Any

from gateway.errors import BadRequest, UnsupportedParam
from gateway.types import Json
from gateway.wire.body import dump

ROLES = ("user", "assistant", "system")


def read_messages(given: Any) -> list[Json]:
    """The client's turns, `system` ones in the middle included. Raises `BadRequest` naming the field."""
    if given is None:
        raise required("messages")
    if type(given) is not list:
        raise invalid("messages", "'messages' must be an array.")
    if not given:
        raise BadRequest("'messages' needs at least one message.", param="messages", code="invalid_value")
    return [message for index, turn in enumerate(given) for message in _turn(turn, f"messages[{index}]")]


def text_of(given: Any, where: str) -> str:
    """A string, or text blocks joined by an empty line."""
    if type(given) is str:
        return given
    texts = []
    for block, place in _blocks(given, where):
        if block["type"] != "text":
            raise _misplaced(block, place, "text blocks only")
        texts.append(_string(block, "text", place))
    return "\n\n".join(texts)


def invalid(where: str, message: str) -> BadRequest:
    return BadRequest(message, param=where, code="invalid_type")


def required(where: str) -> BadRequest:
    return BadRequest(f"Missing required parameter: {where!r}.", param=where, code="missing_required_parameter")


def _turn(turn: Any, where: str) -> list[Json]:
    if type(turn) is not dict:
        raise invalid(where, "A message must be an object.")
    role, content = turn.get("role"), turn.get("content")
    if role not in ROLES:
        message = f"A message's role is one of {', '.join(ROLES)}."
        raise BadRequest(message, param=f"{where}.role", code="invalid_value")
    where += ".content"
    if content is None:
        raise required(where)
    if role == "system":
        return [{"role": "system", "content": text_of(content, where)}]
    if type(content) is str:
        return [{"role": role, "content": content}]
    blocks = _blocks(content, where)
    return [_assistant(blocks)] if role == "assistant" else _user(blocks, where)


def _blocks(given: Any, where: str) -> list[tuple[Json, str]]:
    """Each block with its place."""
    if type(given) is not list:
        raise invalid(where, "Content is a string or an array of blocks.")
    found = []
    for index, block in enumerate(given):
        place = f"{where}[{index}]"
        if type(block) is not dict:
            raise invalid(place, "A content block must be an object.")
        if type(block.get("type")) is not str:
            raise required(f"{place}.type")
        found.append((block, place))
    return found


def _assistant(blocks: list[tuple[Json, str]]) -> Json:
    """One message: the text as the model wrote it, in one piece, and its tool calls."""
    texts, calls = [], []
    for block, where in blocks:
        match block["type"]:
            case "text":
                texts.append(_string(block, "text", where))
            case "tool_use":
                calls.append(_tool_call(block, where))
            case "thinking" | "redacted_thinking":
                pass
            case _:
                raise _misplaced(block, where, "text, thinking and tool_use blocks")
    message: Json = {"role": "assistant", "content": "".join(texts)}
    if calls:
        message["content"] = message["content"] or None
        message["tool_calls"] = calls
    return message


def _tool_call(block: Json, where: str) -> Json:
    given = block.get("input")
    if type(given) is not dict:
        raise invalid(f"{where}.input", "'input' must be an object.")
    function = {"name": _string(block, "name", where), "arguments": dump(given).decode()}
    return {"id": _string(block, "id", where), "type": "function", "function": function}


def _user(blocks: list[tuple[Json, str]], where: str) -> list[Json]:
    """The results of tools, then everything else the user's turn holds."""
    if not blocks:
        raise BadRequest("A user's message needs content.", param=where, code="invalid_value")
    results: list[Json] = []
    parts: list[Json] = []
    shown: list[Json] = []
    for block, place in blocks:
        if block["type"] == "tool_result":
            result, attached = _tool_result(block, place)
            results.append(result)
            shown += attached
        else:
            parts += _parts(block, place)
    parts = shown + parts
    if not parts:
        return results
    if len(parts) == 1 and parts[0]["type"] == "text":
        return [*results, {"role": "user", "content": parts[0]["text"]}]
    return [*results, {"role": "user", "content": parts}]


def _tool_result(block: Json, where: str) -> tuple[Json, list[Json]]:
    """The tool's message, and what cannot be in it: a chat completion's tools answer in text only."""
    call = _string(block, "tool_use_id", where)
    failed = block.get("is_error")
    if failed is not None and type(failed) is not bool:
        raise invalid(f"{where}.is_error", "'is_error' must be true or false.")
    content = block.get("content")
    texts: list[str] = []
    attached: list[Json] = []
    if type(content) is str:
        texts.append(content)
    elif content is not None:
        for inner, place in _blocks(content, f"{where}.content"):
            for part in _parts(inner, place):
                if part["type"] == "text":
                    texts.append(part["text"])
                else:
                    attached.append(part)
    if attached:
        attached.insert(0, {"type": "text", "text": f"Attached to the result of tool call {call}:"})
    said = "\n\n".join(texts)
    return {"role": "tool", "tool_call_id": call, "content": f"Error: {said}" if failed else said}, attached


def _parts(block: Json, where: str) -> list[Json]:
    match block["type"]:
        case "text":
            return [_text(_string(block, "text", where))]
        case "image":
            return [_image(block, where)]
        case "document":
            return _document(block, where)
        case _:
            raise _misplaced(block, where, "text, image, document and, from the user, tool_result blocks")


def _image(block: Json, where: str) -> Json:
    source, where = _source(block, where)
    if source["type"] == "base64":
        kind = _string(source, "media_type", where)
        if not kind.startswith("image/"):
            message = "An image's media type begins with 'image/'."
            raise BadRequest(message, param=f"{where}.media_type", code="invalid_value")
        url = f"data:{kind};base64,{_string(source, 'data', where)}"
    elif source["type"] == "url":
        url = _string(source, "url", where)
        if not url.startswith(("https://", "http://")):
            message = "An image's URL begins with https:// or http://."
            raise BadRequest(message, param=f"{where}.url", code="invalid_value")
    else:
        raise _unsupported_source(source, where, "base64 or url")
    return {"type": "image_url", "image_url": {"url": url}}


def _document(block: Json, where: str) -> list[Json]:
    citations = block.get("citations")
    if type(citations) is dict and citations.get("enabled"):
        raise UnsupportedParam("Citations are not supported on this upstream.", param=f"{where}.citations")
    heading = [_string(block, name, where) for name in ("title", "context") if block.get(name) is not None]
    source, inside = _source(block, where)
    match source["type"]:
        case "text":
            return [_text("\n\n".join([*heading, _string(source, "data", inside)]))]
        case "content":
            content = source.get("content")
            if type(content) is str:
                return [_text("\n\n".join([*heading, content]))]
            parts = [_text("\n\n".join(heading))] if heading else []
            for inner, place in _blocks(content, f"{inside}.content"):
                parts += [_image(inner, place)] if inner["type"] == "image" else _plain(inner, place)
            return parts
        case "base64":
            kind, data = _string(source, "media_type", inside), _string(source, "data", inside)
            name = heading[0] if block.get("title") is not None else "document.pdf"
            file = {"filename": name, "file_data": f"data:{kind};base64,{data}"}
            context = [_text(heading[-1])] if block.get("context") is not None else []
            return [*context, {"type": "file", "file": file}]
        case _:
            raise _unsupported_source(source, inside, "base64, text or content")


def _plain(block: Json, where: str) -> list[Json]:
    if block["type"] != "text":
        raise _misplaced(block, where, "text and image blocks")
    return [_text(_string(block, "text", where))]


def _text(given: str) -> Json:
    return {"type": "text", "text": given}


def _source(block: Json, where: str) -> tuple[Json, str]:
    source = block.get("source")
    where += ".source"
    if type(source) is not dict:
        raise required(where) if source is None else invalid(where, "'source' must be an object.")
    if type(source.get("type")) is not str:
        raise required(f"{where}.type")
    return source, where


def _string(block: Json, name: str, where: str) -> str:
    value = block.get(name)
    if type(value) is not str:
        where = f"{where}.{name}"
        raise required(where) if value is None else invalid(where, f"{name!r} must be a string.")
    return value


def _misplaced(block: Json, where: str, allowed: str) -> UnsupportedParam:
    message = f"A block of type {block['type'][:80]!r} cannot be served here; this place takes {allowed}."
    return UnsupportedParam(message, param=f"{where}.type")


def _unsupported_source(source: Json, where: str, allowed: str) -> UnsupportedParam:
    message = f"A source of type {source['type'][:80]!r} cannot be served here; send it as {allowed}."
    return UnsupportedParam(message, param=f"{where}.type")
