"""`/v1/chat/completions`: OpenAI's chat wire, which is also the wire every provider speaks. Bytes pass through."""

from __future__ import annotations

from typing import ClassVar

import orjson
from msgspec import UNSET

from gateway.errors import BadRequest, GatewayError, UpstreamFailed, error_body
from gateway.types import Json, Operation
from gateway.wire.body import refuse_variants
from gateway.wire.chunks import Chunk, Meter, decode
from gateway.wire.fields import (
    MOST_TOKENS,
    SAMPLING,
    Check,
    check_array,
    check_fields,
    check_integer,
    check_metadata,
    check_object,
    check_string,
    flag,
    integer,
    take_prompt,
    text,
)
from gateway.wire.sse import DONE, EventSplitter, event_data, frame
from gateway.wire.surface import Call

FIELDS = frozenset(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages "
    "metadata modalities model n parallel_tool_calls prediction presence_penalty prompt prompt_cache_key "
    "prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream "
    "stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options".split()
)
MESSAGE_FIELDS = frozenset("audio content function_call name refusal role tool_call_id tool_calls".split())
ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))
PARTS: dict[str, tuple[str, type]] = {
    "file": ("file", dict),
    "image_url": ("image_url", dict),
    "input_audio": ("input_audio", dict),
    "text": ("text", str),
}
"""What a content part of a known type holds; parts of other types pass."""
NAMED: dict[type, str] = {dict: "an object", str: "a string"}
NULL_USAGE = b',"usage":null'
"""How most servers write that there are no figures yet."""


class Chat:
    """The `Surface` of chat completions."""

    name = "chat"
    operation: Operation = "chat"

    def read(self, body: Json) -> Call:
        if not body.keys() <= FIELDS:
            refuse_variants(body, FIELDS)
        model = text(body, "model")
        check_messages(body.get("messages"), body)
        stream = check_streaming(body)
        check_fields(body, CHECKS)
        return Call(model=model, body=body, stream=stream, asked=body, prompt=take_prompt(body))

    def translator(self, call: Call) -> PassThrough:
        return PassThrough(call)

    def error(self, error: GatewayError) -> bytes:
        return error_body(error)


class PassThrough:
    """The `Translator` of chat and legacy completions: meters what passes and leaves the bytes alone.

    The one thing it changes: where the client did not ask for usage and the gateway did, the client does not see it.
    """

    LACK: ClassVar[str] = "The upstream's stream ended before the answer did."

    __slots__ = ("_done", "_out", "_splitter", "_strips", "meter")

    def __init__(self, call: Call) -> None:
        self.meter = Meter()
        self._splitter = EventSplitter()
        self._strips = call.stream and not wants_usage(call)
        self._done = False
        self._out: list[bytes] = []
        """Events for the client, not given out yet."""

    def whole(self, body: bytes) -> bytes:
        chunk = decode(body)
        if chunk.choices is None:
            raise UpstreamFailed("The upstream sent something that is not a completion.", code="upstream_garbage")
        self.meter.see(chunk)
        return body

    def feed(self, data: bytes) -> bytes:
        meter, strips, out, ended = self.meter, self._strips, self._out, self._done
        for event in self._splitter.feed(data):
            plain = event.startswith(b"data: {") and b"\n" not in event
            payload = event[6:] if plain else event_data(event)
            if payload is None:
                out.append(event)  # a comment: keep-alives are the client's too
                continue
            if payload == b"[DONE]":
                self._done = True
                continue
            if payload == b"null":
                continue  # llama.cpp, between the answers to several prompts
            chunk = decode(payload)
            meter.see(chunk)
            shown = _without_usage(event, payload, chunk) if strips and chunk.usage is not UNSET else event
            if shown:
                out.append(shown)
        if ended:
            out.clear()  # nothing follows `[DONE]`
        elif self._done:
            out.append(DONE[:-2])
        return self._given_out() if out else b""

    def finish(self) -> bytes:
        if self._done:
            return b""
        if not self.meter.finished or self._splitter.torn:
            raise UpstreamFailed(self.LACK, code="upstream_cut")
        return DONE

    def fail(self, error: GatewayError) -> bytes:
        return self._given_out() + frame(error_body(error))

    def _given_out(self) -> bytes:
        out = self._out
        if out:
            out.append(b"")
        data = b"\n\n".join(out)
        out.clear()
        return data


def _without_usage(event: bytes, payload: bytes, chunk: Chunk) -> bytes:
    """The event without its `usage`; empty where that is all it tells."""
    at = event.rfind(NULL_USAGE)  # from the end, where it is
    if at >= 0:
        return event[:at] + event[at + len(NULL_USAGE) :]
    if chunk.usage and not chunk.choices:
        return b""
    body = orjson.loads(payload)  # it is written in some other way, or told together with a choice
    del body["usage"]
    return b"data: %b" % orjson.dumps(body)


def wants_usage(call: Call) -> bool:
    options = call.body.get("stream_options")
    return bool(options and options.get("include_usage"))


def check_streaming(body: Json) -> bool:
    """Whether the client wants a stream; `stream_options` without one is refused, as OpenAI does."""
    stream = flag(body, "stream")
    options = check_object(body, "stream_options")
    if options is None:
        return stream
    if not stream:
        message = "'stream_options' is only allowed when 'stream' is true."
        raise BadRequest(message, param="stream_options", code="invalid_value")
    for name in ("include_obfuscation", "include_usage"):
        flag(options, name, "stream_options.")
    return stream


def check_messages(messages: object, body: Json) -> None:
    if type(messages) is not list:
        if messages is None and body.get("prompt") is not None:
            body["messages"] = []
            return
        if messages is None:
            message = "Missing required parameter: 'messages'."
            raise BadRequest(message, param="messages", code="missing_required_parameter")
        raise BadRequest("'messages' must be an array.", param="messages", code="invalid_type")
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise BadRequest("A message must be an object.", param=f"messages[{index}]", code="invalid_type")
        if not message.keys() <= MESSAGE_FIELDS:
            refuse_variants(message, MESSAGE_FIELDS, f"messages[{index}].")
        role = message.get("role")
        if type(role) is not str or role not in ROLES:
            hint = f"A message's role is one of {', '.join(sorted(ROLES))}."
            raise BadRequest(hint, param=f"messages[{index}].role", code="invalid_value")
        content = message.get("content")
        if type(content) is not str:
            _check_content(content, message, f"messages[{index}].content")
        if len(message) > 2 or role == "tool":
            _check_rest(message, f"messages[{index}].")


def _check_content(content: object, message: Json, where: str) -> None:
    if content is None:
        if message["role"] == "assistant":
            return  # null beside tool_calls, refusal, or audio
        raise BadRequest("This message needs content.", param=where, code="missing_required_parameter")
    if type(content) is not list:
        raise BadRequest("Content is a string or an array of parts.", param=where, code="invalid_type")
    for index, part in enumerate(content):
        if type(part) is not dict or type(part.get("type")) is not str:
            message_ = "A content part is an object with a 'type'."
            raise BadRequest(message_, param=f"{where}[{index}].type", code="invalid_type")
        held = PARTS.get(part["type"])
        if held is not None and type(part.get(held[0])) is not held[1]:
            name, shape = held
            message_ = f"A part of type {part['type']} needs {name!r}, {NAMED[shape]}."
            raise BadRequest(message_, param=f"{where}[{index}].{name}", code="invalid_type")


def _check_rest(message: Json, where: str) -> None:
    """What a message may hold besides its role and content."""
    check_string(message, "name", where)
    calls = message.get("tool_calls")
    if message["role"] == "tool":
        text(message, "tool_call_id", where)
    if calls is None:
        return
    check_array(message, "tool_calls", where)
    for index, call in enumerate(calls):
        place = f"{where}tool_calls[{index}]"
        if type(call) is not dict:
            raise BadRequest("A tool call is an object.", param=place, code="invalid_type")
        check_string(call, "id", f"{place}.")
        if call.get("type") != "function":
            check_string(call, "type", f"{place}.")
            continue
        function = check_object(call, "function", f"{place}.") or {}
        text(function, "name", f"{place}.function.")
        check_string(function, "arguments", f"{place}.function.")


def _check_top_logprobs(body: Json, name: str) -> None:
    check_integer(body, name, 0, 20)
    if not body.get("logprobs"):
        message = f"{name!r} is only allowed when 'logprobs' is true."
        raise BadRequest(message, param=name, code="invalid_value")


def _check_tools(body: Json, name: str) -> None:
    check_array(body, name)
    for index, tool in enumerate(body[name]):
        if type(tool) is not dict or type(tool.get("type")) is not str:
            raise BadRequest("A tool is an object with a 'type'.", param=f"tools[{index}].type", code="invalid_type")
        if tool["type"] == "function":
            check_function(tool.get("function"), f"tools[{index}].function")


def _check_tool_choice(body: Json, name: str) -> None:
    """A word, or an object that names a tool."""
    if type(body[name]) is not str:
        text(check_object(body, name) or {}, "type", f"{name}.")


def check_function(function: object, where: str) -> None:
    """What a tool of type function says of itself; whether its schema is one, the upstream says."""
    if type(function) is not dict:
        raise BadRequest("A function tool needs 'function', an object.", param=where, code="invalid_type")
    where += "."
    text(function, "name", where)
    check_string(function, "description", where)
    check_object(function, "parameters", where)
    flag(function, "strict", where)


def _check_response_format(body: Json, name: str) -> None:
    given = check_object(body, name) or {}
    kind = given.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        message = "'response_format.type' is one of text, json_object, json_schema."
        raise BadRequest(message, param="response_format.type", code="invalid_value")
    if kind != "json_schema":
        return
    where = "response_format.json_schema"
    schema = check_object(given, "json_schema", "response_format.")
    if schema is None:
        raise BadRequest(f"{where!r} is missing.", param=where, code="missing_required_parameter")
    text(schema, "name", f"{where}.")
    check_object(schema, "schema", f"{where}.")
    flag(schema, "strict", f"{where}.")


CHECKS: dict[str, Check] = {
    **SAMPLING,
    "audio": check_object,
    "functions": check_array,
    "logprobs": flag,
    "max_completion_tokens": integer(1, MOST_TOKENS),
    "max_tokens": integer(1, MOST_TOKENS),
    "metadata": check_metadata,
    "modalities": check_array,
    "parallel_tool_calls": flag,
    "prediction": check_object,
    "prompt_cache_key": check_string,
    "prompt_cache_retention": check_string,
    "reasoning_effort": check_string,
    "safety_identifier": check_string,
    "response_format": _check_response_format,
    "service_tier": check_string,
    "store": flag,
    "tool_choice": _check_tool_choice,
    "tools": _check_tools,
    "top_logprobs": _check_top_logprobs,
    "verbosity": check_string,
    "web_search_options": check_object,
}
"""Checks of the fields that are here. What a value of theirs means is the upstream's to say."""
