"""The conversation of stored responses: what came before is put before what comes now.

A conversation is a list of chat messages, with reasoning items of the responses API between them. Those are kept
because a client may get them back, and are never sent on: they are told apart by having no `role`.
"""

from __future__ import annotations

from gateway.types import Json
from gateway.wire.surface import Call


def messages_of(conversation: list[Json]) -> list[Json]:
    """What is sent to the upstream."""
    return [entry for entry in conversation if "role" in entry]


def last_message(conversation: list[Json]) -> Json | None:
    return next((entry for entry in reversed(conversation) if "role" in entry), None)


def recall(call: Call, history: list[Json]) -> None:
    """Put the earlier turns before this call's; its instructions stay first, those of earlier calls are not kept."""
    messages = call.body["messages"]
    instructions = len(messages) - len(messages_of(call.turn))
    call.body["messages"] = messages[:instructions] + messages_of(history) + messages[instructions:]
    call.turn = history + call.turn


def turn(call: Call, result: Json) -> list[Json]:
    """What the next call goes on from: the conversation up to and including what was answered."""
    return call.turn + _answer(result["output"])


def _answer(output: list[Json]) -> list[Json]:
    """The output items of a response as one assistant message, after the reasoning that led to it.

    A function call that was cut off is left out: nobody can answer it.
    """
    texts: list[str] = []
    calls: list[Json] = []
    reasoning: list[Json] = []
    for item in output:
        if item["type"] == "message":
            texts += [part.get("text") or part.get("refusal") or "" for part in item["content"]]
        elif item["type"] == "reasoning":
            reasoning.append(item)
        elif item["status"] == "completed":
            function = {"name": item["name"], "arguments": item["arguments"]}
            calls.append({"id": item["call_id"], "type": "function", "function": function})
    if not texts and not calls:
        return reasoning
    message: Json = {"role": "assistant", "content": "".join(texts) if texts else None}
    if calls:
        message["tool_calls"] = calls
    return [*reasoning, message]


# As the API lists it -------------------------------------------------------------------------------------------------


def input_items(conversation: list[Json]) -> list[Json]:
    """The input of a stored response, oldest item first: all of its conversation but the answer."""
    asked = list(conversation)
    if asked and asked[-1].get("role") == "assistant":
        asked.pop()
    while asked and "role" not in asked[-1]:
        asked.pop()
    return [item for position, entry in enumerate(asked) for item in _items(entry, position)]


def _items(entry: Json, position: int) -> list[Json]:
    role = entry.get("role")
    if role is None:
        return [{"id": f"rs_{position}", "summary": [], **entry}]
    content = entry["content"]
    if role == "tool":
        output = {"type": "function_call_output", "call_id": entry["tool_call_id"], "output": content}
        return [{"id": f"fco_{position}", **output, "status": "completed"}]
    items: list[Json] = []
    if content is not None:
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        listed = [_part(part, role) for part in parts]
        message = {"type": "message", "role": role, "content": listed, "status": "completed"}
        items.append({"id": f"msg_{position}", **message})
    for number, call in enumerate(entry.get("tool_calls") or ()):
        made = {"type": "function_call", "call_id": call["id"], **call["function"], "status": "completed"}
        items.append({"id": f"fc_{position}_{number}", **made})
    return items


def _part(part: Json, role: str) -> Json:
    """A chat content part in the responses API's shape."""
    if part["type"] == "image_url":
        image = part["image_url"]
        return {"type": "input_image", "image_url": image["url"], "detail": image.get("detail", "auto")}
    if part["type"] == "file":
        return {"type": "input_file", **part["file"]}
    if role == "assistant":
        return {"type": "output_text", "text": part["text"], "annotations": []}
    return {"type": "input_text", "text": part["text"]}
