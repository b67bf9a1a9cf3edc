"""`/v1/responses`: OpenAI's responses API in front of any upstream that speaks chat completions. The request side."""

from __future__ import annotations

from typing import Any

from gateway.errors import BadRequest, GatewayError, UnsupportedParam, error_body
from gateway.types import Json, Operation
from gateway.wire.body import check_integer, check_number, check_object, flag, refuse_variants, take_prompt, text
from gateway.wire.responses_input import read_input
from gateway.wire.responses_stream import ResponsesTranslator
from gateway.wire.surface import Call

SAME = frozenset(
    "metadata parallel_tool_calls prompt_cache_key prompt_cache_retention safety_identifier service_tier temperature "
    "top_logprobs top_p user".split()
)
"""Fields that mean the same in a chat completion."""
OWN = frozenset(
    "background include input instructions max_output_tokens model previous_response_id prompt reasoning store stream "
    "stream_options text tool_choice tools truncation".split()
)
REFUSED = ("conversation", "max_tool_calls", "context_management")
FIELDS = SAME | OWN | frozenset(REFUSED)
LOGPROBS = "message.output_text.logprobs"
INCLUDES = (LOGPROBS, "reasoning.encrypted_content")
"""What `include` may name. Chat upstreams have no encrypted reasoning: it is left out, never claimed."""


class Responses:
    """The `Surface` of the responses API."""

    name = "responses"
    operation: Operation = "chat"

    def read(self, body: Json) -> Call:
        if not body.keys() <= FIELDS:
            refuse_variants(body, FIELDS)
        for name in REFUSED:
            if body.get(name) is not None:
                raise UnsupportedParam(f"{name!r} is not supported by this gateway.", param=name)
        rest = dict(body)
        prompt = take_prompt(rest)
        turn = read_input(body.get("input"))
        if not turn and prompt is None:
            message = "Missing required parameter: 'input'."
            raise BadRequest(message, param="input", code="missing_required_parameter")
        chat: Json = {name: value for name, value in rest.items() if name not in OWN and value is not None}
        chat["model"] = text(body, "model")
        chat["messages"] = [*_instructions(body), *turn]
        _numbers(body, chat)
        _format(body, chat)
        _tools(body, chat)
        _include(body, chat)
        previous = body.get("previous_response_id")
        if previous is not None and not isinstance(previous, str):
            message = "'previous_response_id' must be a string."
            raise BadRequest(message, param="previous_response_id", code="invalid_type")
        call = Call(model=chat["model"], body=chat, stream=flag(body, "stream"), asked=body, prompt=prompt)
        call.previous, call.turn = previous, turn
        call.store = body.get("store") is None or flag(body, "store")
        call.background = flag(body, "background")
        _check_background(call)
        return call

    def translator(self, call: Call) -> ResponsesTranslator:
        return ResponsesTranslator(call)

    def error(self, error: GatewayError) -> bytes:
        return error_body(error)


def _check_background(call: Call) -> None:
    if call.background and call.stream:
        raise UnsupportedParam("A response made in the background cannot be streamed.", param="stream")
    if call.background and not call.store:
        message = "A response made in the background must be stored."
        raise BadRequest(message, param="store", code="invalid_value")


def _instructions(body: Json) -> list[Json]:
    given = body.get("instructions")
    if given is None:
        return []
    if not isinstance(given, str):
        raise BadRequest("'instructions' must be a string.", param="instructions", code="invalid_type")
    return [{"role": "system", "content": given}]


def _numbers(body: Json, chat: Json) -> None:
    check_integer(body, "max_output_tokens", 1)
    check_integer(body, "top_logprobs", 0, 20)
    check_number(body, "temperature", 0, 2)
    check_number(body, "top_p", 0, 1)
    if body.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = body["max_output_tokens"]
    if body.get("truncation") not in (None, "disabled", "auto"):
        raise BadRequest("'truncation' is auto or disabled.", param="truncation", code="invalid_value")
    if body.get("truncation") == "auto":
        raise UnsupportedParam("'truncation: auto' is not supported by this gateway.", param="truncation")
    reasoning = check_object(body, "reasoning")
    if reasoning is not None and reasoning.get("effort") is not None:
        chat["reasoning_effort"] = reasoning["effort"]


def _format(body: Json, chat: Json) -> None:
    given = check_object(body, "text")
    if given is None:
        return
    if given.get("verbosity") is not None:
        chat["verbosity"] = given["verbosity"]
    wanted = given.get("format")
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        message = "'text.format.type' is one of text, json_object, json_schema."
        raise BadRequest(message, param="text.format.type", code="invalid_value")
    if kind == "json_schema":
        schema = {name: value for name, value in wanted.items() if name != "type"}
        if not isinstance(schema.get("name"), str) or not isinstance(schema.get("schema"), dict):
            message = "'text.format' needs a 'name' and a 'schema'."
            raise BadRequest(message, param="text.format", code="missing_required_parameter")
        chat["response_format"] = {"type": kind, "json_schema": schema}
    elif kind == "json_object":
        chat["response_format"] = {"type": kind}


def _tools(body: Json, chat: Json) -> None:
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise BadRequest("'tools' must be an array.", param="tools", code="invalid_type")
    if tools:
        chat["tools"] = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if choice.get("type") != "function" or not isinstance(choice.get("name"), str):
            raise UnsupportedParam("Only a function can be chosen by name.", param="tool_choice")
        chat["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    elif choice is not None:
        chat["tool_choice"] = choice


def _tool(tool: Any, where: str) -> Json:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind != "function":
        message = f"Tools of type {str(kind)[:80]!r} are not supported by this gateway; it serves functions."
        raise UnsupportedParam(message, param=f"{where}.type")
    if not isinstance(tool.get("name"), str):
        message = "A function tool needs a 'name'."
        raise BadRequest(message, param=f"{where}.name", code="missing_required_parameter")
    fields = ("name", "description", "parameters", "strict")
    return {"type": "function", "function": {n: tool[n] for n in fields if tool.get(n) is not None}}


def _include(body: Json, chat: Json) -> None:
    wanted = body.get("include")
    if wanted is None:
        return
    if not isinstance(wanted, list):
        raise BadRequest("'include' must be an array.", param="include", code="invalid_type")
    for index, name in enumerate(wanted):
        if name not in INCLUDES:
            raise UnsupportedParam(f"{str(name)[:80]!r} cannot be included.", param=f"include[{index}]")
    if LOGPROBS in wanted:
        chat["logprobs"] = True
