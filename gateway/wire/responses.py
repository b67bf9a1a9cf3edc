"""`/v1/responses`: OpenAI's responses API in front of any upstream that speaks chat completions. The request side."""

from __future__ import annotations

import secrets
import time
from typing import Any

from gateway.errors import BadRequest, GatewayError, UnsupportedParam, error_body
from gateway.types import Json, Operation
from gateway.wire.body import refuse_variants
from gateway.wire.chat import CHECKS as CHAT_CHECKS
from gateway.wire.chat import check_function, check_streaming
from gateway.wire.conversation import messages_of
from gateway.wire.fields import (
    MOST_TOKENS,
    Check,
    check_array,
    check_fields,
    check_metadata,
    check_object,
    check_string,
    flag,
    integer,
    take_prompt,
    text,
)
from gateway.wire.responses_input import read_input
from gateway.wire.responses_stream import ResponsesTranslator
from gateway.wire.surface import Call

SAME = frozenset(
    "parallel_tool_calls prompt_cache_key prompt_cache_retention safety_identifier service_tier temperature "
    "top_logprobs top_p user".split()
)
"""Fields that mean the same in a chat completion."""
OWN = frozenset(
    "background include input instructions max_output_tokens max_tool_calls metadata model previous_response_id prompt "
    "reasoning store stream stream_options text tool_choice tools truncation".split()
)
"""Fields with a meaning here: translated, or kept with the response and not sent on."""
REFUSED = frozenset(("conversation", "context_management", "n"))
MOVED = {
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
}
"""Chat's names for what has another one here: passed on unread they would be a way around the checks."""
FIELDS = SAME | OWN | REFUSED | MOVED.keys()
CHECKS: dict[str, Check] = {
    "include": check_array,
    "instructions": check_string,
    "max_output_tokens": integer(1, MOST_TOKENS),
    "max_tool_calls": integer(1),
    "metadata": check_metadata,
    "previous_response_id": text,
    "reasoning": check_object,
    "text": check_object,
    "tools": check_array,
    "top_logprobs": integer(0, 20),
}
"""Of the fields that are not chat's. `max_tool_calls` limits built-in tools, of which there are none here."""
LOGPROBS = "message.output_text.logprobs"
INCLUDES = (LOGPROBS, "reasoning.encrypted_content")
"""What `include` may name. Chat upstreams have no encrypted reasoning: it is left out, never claimed."""


class Responses:
    """The `Surface` of the responses API."""

    name = "responses"
    operation: Operation = "chat"

    def read(self, body: Json) -> Call:
        _refuse(body)
        check_fields(body, CHECKS)
        rest = dict(body)
        prompt = take_prompt(rest)
        turn = read_input(body.get("input"))
        previous = body.get("previous_response_id")
        if not turn and prompt is None and previous is None:
            message = "Missing required parameter: 'input'."
            raise BadRequest(message, param="input", code="missing_required_parameter")
        chat: Json = {name: value for name, value in rest.items() if name not in OWN and value is not None}
        chat["model"] = text(body, "model")
        chat["messages"] = _instructions(body) + messages_of(turn)
        if body.get("truncation") not in (None, "disabled", "auto"):
            raise BadRequest("'truncation' is auto or disabled.", param="truncation", code="invalid_value")
        _effort(body, chat)
        _format(body, chat)
        _tools(body, chat)
        _include(body, chat)
        check_fields(chat, CHAT_CHECKS)
        call = Call(model=chat["model"], body=chat, stream=check_streaming(body), asked=body, prompt=prompt)
        call.response_id, call.created = f"resp_{secrets.token_hex(24)}", int(time.time())
        call.previous, call.turn = previous, turn
        call.store = body.get("store") is None or flag(body, "store")
        call.background = flag(body, "background")
        _check_background(call)
        return call

    def translator(self, call: Call) -> ResponsesTranslator:
        return ResponsesTranslator(call)

    def error(self, error: GatewayError) -> bytes:
        return error_body(error)


def _refuse(body: Json) -> None:
    """Fields that cannot be had. Unknown ones pass on to the upstream."""
    if body.keys() <= SAME | OWN:
        return
    refuse_variants(body, FIELDS)
    for name in sorted(body.keys() & (REFUSED | MOVED.keys())):
        if body[name] is None:
            continue
        if name in MOVED:
            raise UnsupportedParam(f"In the responses API {name!r} is {MOVED[name]!r}.", param=name)
        raise UnsupportedParam(f"{name!r} is not supported by this gateway.", param=name)


def _check_background(call: Call) -> None:
    if call.background and call.stream:
        raise UnsupportedParam("A response made in the background cannot be streamed.", param="stream")
    if call.background and not call.store:
        message = "A response made in the background must be stored."
        raise BadRequest(message, param="store", code="invalid_value")


def _instructions(body: Json) -> list[Json]:
    given = body.get("instructions")
    return [] if given is None else [{"role": "system", "content": given}]


def _effort(body: Json, chat: Json) -> None:
    if body.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = body["max_output_tokens"]
    reasoning = body.get("reasoning") or {}
    check_string(reasoning, "effort", "reasoning.")
    if reasoning.get("effort") is not None:
        chat["reasoning_effort"] = reasoning["effort"]


def _format(body: Json, chat: Json) -> None:
    given = body.get("text") or {}
    check_string(given, "verbosity", "text.")
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
        for name, shape in (("name", str), ("schema", dict)):
            if not isinstance(wanted.get(name), shape):
                message = f"A format of type json_schema needs {name!r}."
                raise BadRequest(message, param=f"text.format.{name}", code="missing_required_parameter")
        schema = {name: value for name, value in wanted.items() if name != "type" and value is not None}
        chat["response_format"] = {"type": kind, "json_schema": schema}
    elif kind == "json_object":
        chat["response_format"] = {"type": kind}


def _tools(body: Json, chat: Json) -> None:
    tools = body.get("tools")
    if tools:
        chat["tools"] = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        if choice.get("type") != "function":
            message = "Only a function can be chosen by name, with type 'function'."
            raise UnsupportedParam(message, param="tool_choice.type")
        if not isinstance(choice.get("name"), str):
            message = "The chosen function needs a 'name'."
            raise BadRequest(message, param="tool_choice.name", code="missing_required_parameter")
        chat["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    elif choice is not None:
        if choice not in ("auto", "none", "required"):
            message = "'tool_choice' is auto, none, required, or a function."
            raise BadRequest(message, param="tool_choice", code="invalid_value")
        chat["tool_choice"] = choice


def _tool(tool: Any, where: str) -> Json:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind != "function":
        message = f"Tools of type {str(kind)[:80]!r} are not supported by this gateway; it serves functions."
        raise UnsupportedParam(message, param=f"{where}.type")
    check_function(tool, where)
    fields = ("name", "description", "parameters", "strict")
    return {"type": "function", "function": {n: tool[n] for n in fields if tool.get(n) is not None}}


def _include(body: Json, chat: Json) -> None:
    wanted = body.get("include") or []
    for index, name in enumerate(wanted):
        if name not in INCLUDES:
            raise UnsupportedParam(f"{str(name)[:80]!r} cannot be included.", param=f"include[{index}]")
    if LOGPROBS in wanted or chat.get("top_logprobs"):
        chat["logprobs"] = True
    else:
        chat.pop("top_logprobs", None)  # chat refuses it where log probabilities were not asked for
