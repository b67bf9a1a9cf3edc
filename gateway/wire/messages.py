"""`/v1/messages`: Anthropic's wire, in front of any upstream that speaks chat completions. The request side.

What has no equal in a chat completion is refused, with these declared exceptions:

- `cache_control` is ignored everywhere: upstreams that cache prompts do so by themselves.
- `thinking` and `redacted_thinking` blocks of earlier turns are dropped: only the model that signed them reads them.
- `thinking.budget_tokens` becomes `reasoning_effort`: low below 4096, medium below 16384, else high;
  `output_config.effort` wins over it (`max` becomes `xhigh`); other kinds of `thinking` leave it to the upstream.
- a `tool_result` with `is_error` begins with "Error: "; images and files in it move into the user's turn after it.
- a document's `title` and `context` go before its text; `metadata.user_id` longer than 64 characters becomes its
  SHA-256, since OpenAI refuses longer ones.
- hints about a tool (`defer_loading`, `eager_input_streaming`, `input_examples`, `allowed_callers`) are ignored.

`prompt` `{id, version, variables}` is accepted as on chat completions. Fields unknown here pass into the chat body.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from gateway.errors import BadRequest, GatewayError, UnsupportedParam
from gateway.types import Json, Operation
from gateway.wire import chat
from gateway.wire.body import refuse_variants
from gateway.wire.fields import (
    MOST_TOKENS,
    check_fields,
    check_integer,
    check_number,
    check_object,
    flag,
    take_prompt,
    text,
)
from gateway.wire.messages_content import invalid, read_messages, required, text_of
from gateway.wire.messages_stream import MessagesTranslator, error_bytes
from gateway.wire.surface import Call

FIELDS = frozenset(
    "cache_control max_tokens messages metadata model output_config output_format prompt service_tier stop_sequences "
    "stream system temperature thinking tool_choice tools top_k top_p".split()
)
REFUSED = ("container", "mcp_servers", "n", "stream_options")
"""Run at Anthropic, or have no place in a reply that is one message whose stream always tells its usage."""

CHOICES = {"auto": "auto", "any": "required", "none": "none"}
EFFORTS = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "xhigh"}
THINKING = ("enabled", "adaptive", "disabled", "between_tools")
LONGEST_USER = 64


class Messages:
    """The `Surface` of Anthropic's Messages."""

    name = "messages"
    operation: Operation = "chat"

    def read(self, body: Json) -> Call:
        if not body.keys() <= FIELDS:
            refuse_variants(body, FIELDS | chat.FIELDS)
        for name in REFUSED:
            if body.get(name) is not None:
                raise UnsupportedParam(f"{name!r} cannot be served here; leave it out.", param=name)
        model = text(body, "model")
        stream = flag(body, "stream")
        rest = dict(body)
        prompt = take_prompt(rest)
        out: Json = {name: value for name, value in rest.items() if name not in FIELDS}
        out["model"] = model
        out["messages"] = _system(body.get("system"))
        if body.get("messages") is not None or prompt is None:
            out["messages"] += read_messages(body.get("messages"))
        if stream:
            out["stream"] = True
        _sampling(body, out)
        _tools(body, out)
        _tool_choice(body, out)
        _reasoning(body, out)
        _output_format(body, out)
        _metadata(body, out)
        check_fields(out, chat.CHECKS)
        return Call(model=model, body=out, stream=stream, asked=body, prompt=prompt)

    def translator(self, call: Call) -> MessagesTranslator:
        return MessagesTranslator(call)

    def error(self, error: GatewayError) -> bytes:
        return error_bytes(error)


def _system(given: object) -> list[Json]:
    if given is None:
        return []
    content = text_of(given, "system")
    return [{"role": "system", "content": content}] if content else []


def _sampling(body: Json, out: Json) -> None:
    if body.get("max_tokens") is None:
        raise required("max_tokens")
    check_integer(body, "max_tokens", 1, MOST_TOKENS)
    out["max_completion_tokens"] = body["max_tokens"]
    check_number(body, "temperature", 0, 2)
    check_number(body, "top_p", 0, 1)
    check_integer(body, "top_k", 0)
    for name in ("temperature", "top_p", "top_k"):
        if body.get(name) is not None:
            out[name] = body[name]
    stops = body.get("stop_sequences")
    if stops is not None:
        if type(stops) is not list:
            raise invalid("stop_sequences", "'stop_sequences' must be an array of strings.")
        for index, stop in enumerate(stops):
            if type(stop) is not str or not stop:
                raise invalid(f"stop_sequences[{index}]", "A stop sequence must be a non-empty string.")
        if stops:
            out["stop"] = stops
    tier = body.get("service_tier")
    if tier is not None:
        out["service_tier"] = "default" if tier == "standard_only" else tier


def _tools(body: Json, out: Json) -> None:
    tools = body.get("tools")
    if tools is None:
        return
    if type(tools) is not list:
        raise invalid("tools", "'tools' must be an array.")
    functions = [_function(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
    if functions:
        out["tools"] = functions


def _function(tool: Any, where: str) -> Json:
    if type(tool) is not dict:
        raise invalid(where, "A tool must be an object.")
    kind = tool.get("type")
    if kind not in (None, "custom"):
        message = f"Tools of type {str(kind)[:80]!r} run at Anthropic and cannot be served here; send a custom tool."
        raise UnsupportedParam(message, param=f"{where}.type")
    name, schema = tool.get("name"), tool.get("input_schema")
    if type(name) is not str or not name:
        raise required(f"{where}.name") if name is None else invalid(f"{where}.name", "A tool's name is a string.")
    if type(schema) is not dict:
        where = f"{where}.input_schema"
        raise required(where) if schema is None else invalid(where, "'input_schema' must be an object.")
    function: Json = {"name": name, "parameters": schema}
    description, strict = tool.get("description"), tool.get("strict")
    if description is not None:
        if type(description) is not str:
            raise invalid(f"{where}.description", "A tool's description is a string.")
        function["description"] = description
    if strict is not None:
        if type(strict) is not bool:
            raise invalid(f"{where}.strict", "'strict' must be true or false.")
        function["strict"] = strict
    return {"type": "function", "function": function}


def _tool_choice(body: Json, out: Json) -> None:
    choice = check_object(body, "tool_choice")
    if choice is None:
        return
    kind = choice.get("type")
    if kind == "tool":
        name = choice.get("name")
        if type(name) is not str or not name:
            raise required("tool_choice.name")
        out["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif type(kind) is str and kind in CHOICES:
        out["tool_choice"] = CHOICES[kind]
    else:
        raise _unknown("tool_choice.type", ("auto", "any", "tool", "none"))
    single = choice.get("disable_parallel_tool_use")
    if single is not None and type(single) is not bool:
        raise invalid("tool_choice.disable_parallel_tool_use", "'disable_parallel_tool_use' must be true or false.")
    if single:
        out["parallel_tool_calls"] = False


def _reasoning(body: Json, out: Json) -> None:
    thinking = check_object(body, "thinking")
    if thinking is not None:
        kind = thinking.get("type")
        if kind not in THINKING:
            raise _unknown("thinking.type", THINKING)
        if kind == "enabled":
            budget = thinking.get("budget_tokens")
            if type(budget) is not int or budget < 1:
                raise invalid("thinking.budget_tokens", "'thinking.budget_tokens' must be a positive integer.")
            out["reasoning_effort"] = "low" if budget < 4096 else "medium" if budget < 16384 else "high"
    config = check_object(body, "output_config")
    effort = config.get("effort") if config is not None else None
    if effort is not None:
        if type(effort) is not str or effort not in EFFORTS:
            raise _unknown("output_config.effort", tuple(EFFORTS))
        out["reasoning_effort"] = EFFORTS[effort]


def _output_format(body: Json, out: Json) -> None:
    """`output_config.format`, or its older name `output_format`."""
    where = "output_format"
    given = check_object(body, where)
    config = check_object(body, "output_config")
    if config is not None and config.get("format") is not None:
        where = "output_config.format"
        given = config["format"]
    if given is None:
        return
    if type(given) is not dict or given.get("type") != "json_schema":
        raise _unknown(f"{where}.type", ("json_schema",))
    schema = given.get("schema")
    if type(schema) is not dict:
        raise required(f"{where}.schema")
    named = {"name": "output", "schema": schema, "strict": True}
    out["response_format"] = {"type": "json_schema", "json_schema": named}


def _metadata(body: Json, out: Json) -> None:
    metadata = check_object(body, "metadata")
    if metadata is None:
        return
    others = {name: value for name, value in metadata.items() if name != "user_id"}
    if others:
        out["metadata"] = others
    user = metadata.get("user_id")
    if user is None:
        return
    if type(user) is not str:
        raise invalid("metadata.user_id", "'metadata.user_id' must be a string.")
    out["user"] = user if len(user) <= LONGEST_USER else sha256(user.encode()).hexdigest()


def _unknown(where: str, allowed: tuple[str, ...]) -> BadRequest:
    return BadRequest(f"{where!r} is one of {', '.join(allowed)}.", param=where, code="invalid_value")
