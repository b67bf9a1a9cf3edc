"""The conversation of stored responses, as chat messages: what came before is put before what comes now."""

from __future__ import annotations

from gateway.types import Json
from gateway.wire.surface import Call


def recall(call: Call, history: list[Json]) -> None:
    """Put the earlier turns before this call's; its instructions stay first, those of earlier calls are not kept."""
    messages = call.body["messages"]
    instructions = len(messages) - len(call.turn)
    call.body["messages"] = messages[:instructions] + history + messages[instructions:]
    call.turn = history + call.turn


def turn(call: Call, result: Json) -> list[Json]:
    """What the next call goes on from: the conversation up to and including what was answered."""
    answer = _assistant(result["output"])
    return call.turn + ([answer] if answer is not None else [])


def input_items(messages: list[Json]) -> Json:
    """The input of a stored response, newest first, as the API lists it."""
    answered = messages[:-1] if messages and messages[-1]["role"] == "assistant" else messages
    items = []
    for index, message in enumerate(answered):
        content = message.get("content")
        parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content or []
        items.append({"id": f"msg_{index}", "type": "message", "role": message["role"], "content": parts})
    items.reverse()
    ends = {"first_id": items[0]["id"] if items else None, "last_id": items[-1]["id"] if items else None}
    return {"object": "list", "data": items, **ends, "has_more": False}


def _assistant(output: list[Json]) -> Json | None:
    """The output items of a response as one assistant message."""
    texts: list[str] = []
    calls: list[Json] = []
    for item in output:
        if item["type"] == "message":
            texts += [part.get("text") or part.get("refusal") or "" for part in item["content"]]
        elif item["type"] == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            calls.append({"id": item["call_id"], "type": "function", "function": function})
    if not texts and not calls:
        return None
    message: Json = {"role": "assistant", "content": "".join(texts) if texts else None}
    if calls:
        message["tool_calls"] = calls
    return message
