"""`/v1/chat/completions`: OpenAI's chat wire, which is also the wire every provider speaks. Bytes pass through."""

from __future__ import annotations

from typing import ClassVar

from gateway.errors import BadRequest, GatewayError, UpstreamFailed, error_body
from gateway.types import Json, Operation
from gateway.wire.body import (
    check_integer,
    check_number,
    check_object,
    flag,
    refuse_variants,
    take_prompt,
    text,
)
from gateway.wire.chunks import Meter, decode
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
        check_integer(body, "n", 1, 128)
        check_integer(body, "max_tokens", 1)
        check_integer(body, "max_completion_tokens", 1)
        check_integer(body, "top_logprobs", 0, 20)
        check_number(body, "temperature", 0, 2)
        check_number(body, "top_p", 0, 1)
        _check_tools(body)
        check_response_format(body)
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

    __slots__ = ("_done", "_splitter", "_strips", "meter")

    def __init__(self, call: Call) -> None:
        self.meter = Meter()
        self._splitter = EventSplitter()
        self._strips = call.stream and not wants_usage(call)
        self._done = False

    def whole(self, body: bytes) -> bytes:
        chunk = decode(body)
        if chunk.choices is None:
            raise UpstreamFailed("The upstream sent something that is not a completion.", code="upstream_garbage")
        self.meter.see(chunk)
        return body

    def feed(self, data: bytes) -> bytes:
        meter, strips = self.meter, self._strips
        out = []
        for event in self._splitter.feed(data):
            payload = event_data(event)
            if payload is None:
                out.append(event)  # a comment: keep-alives are the client's too
                continue
            if payload == b"[DONE]":
                self._done = True
                continue
            chunk = decode(payload)
            meter.see(chunk)
            if strips and b'"usage"' in event:
                if chunk.usage is not None and not chunk.choices:
                    continue
                event = event.replace(b',"usage":null', b"").replace(b'"usage":null,', b"")
            out.append(event)
        if self._done:
            out.append(DONE[:-2])
        if not out:
            return b""
        out.append(b"")
        return b"\n\n".join(out)

    def finish(self) -> bytes:
        if self._done:
            return b""
        if not self.meter.finished or self._splitter.rest.strip():
            raise UpstreamFailed(self.LACK, code="upstream_cut")
        return DONE

    def fail(self, error: GatewayError) -> bytes:
        return frame(error_body(error))


def wants_usage(call: Call) -> bool:
    options = call.body.get("stream_options")
    return bool(options and options.get("include_usage"))


def check_streaming(body: Json) -> bool:
    """Whether the client wants a stream; `stream_options` without one is refused, as OpenAI does."""
    stream = flag(body, "stream")
    options = check_object(body, "stream_options")
    if options is not None and not stream:
        message = "'stream_options' is only allowed when 'stream' is true."
        raise BadRequest(message, param="stream_options", code="invalid_value")
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
        if message.get("role") not in ROLES:
            hint = f"A message's role is one of {', '.join(sorted(ROLES))}."
            raise BadRequest(hint, param=f"messages[{index}].role", code="invalid_value")
        content = message.get("content")
        if type(content) is not str:
            _check_content(content, message, f"messages[{index}].content")


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
        if part["type"] == "text" and type(part.get("text")) is not str:
            raise BadRequest("A text part needs 'text'.", param=f"{where}[{index}].text", code="invalid_type")


def _check_tools(body: Json) -> None:
    tools = body.get("tools")
    if tools is None:
        return
    if type(tools) is not list:
        raise BadRequest("'tools' must be an array.", param="tools", code="invalid_type")
    for index, tool in enumerate(tools):
        if type(tool) is not dict or type(tool.get("type")) is not str:
            raise BadRequest("A tool is an object with a 'type'.", param=f"tools[{index}].type", code="invalid_type")
        function = tool.get("function")
        if tool["type"] == "function" and (type(function) is not dict or type(function.get("name")) is not str):
            message = "A function tool needs 'function.name'."
            raise BadRequest(message, param=f"tools[{index}].function.name", code="missing_required_parameter")


def check_response_format(body: Json) -> None:
    given = check_object(body, "response_format")
    if given is None:
        return
    kind = given.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        message = "'response_format.type' is one of text, json_object, json_schema."
        raise BadRequest(message, param="response_format.type", code="invalid_value")
    schema = given.get("json_schema")
    if kind == "json_schema" and (type(schema) is not dict or type(schema.get("name")) is not str):
        message = "'response_format.json_schema' needs a 'name' and a 'schema'."
        raise BadRequest(message, param="response_format.json_schema", code="missing_required_parameter")
