"""The response object: what was asked, what became of it, and what it cost in tokens."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.errors import BadRequest, GatewayError, RateLimited, UpstreamFailed
from gateway.types import Json, Usage
from gateway.wire.chunks import Choice
from gateway.wire.surface import Call

ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "user",
)
"""Fields told back as they were asked, null where they were not."""


def response_object(call: Call, response_id: str, created: int) -> Json:
    """A response before anything was made, status `in_progress`; every key is there from the start.

    `truncation` is always `disabled`: this gateway never leaves out part of a conversation.
    """
    asked = call.asked
    return {
        "id": response_id,
        "object": "response",
        "created_at": created,
        "completed_at": None,
        "status": "in_progress",
        "background": call.background,
        "error": None,
        "incomplete_details": None,
        **{name: asked.get(name) for name in ECHOED},
        "metadata": asked.get("metadata") or {},
        "model": call.model,
        "output": [],
        "parallel_tool_calls": asked.get("parallel_tool_calls") is not False,
        "prompt": _prompt(call),
        "reasoning": {"effort": None, "summary": None, **(asked.get("reasoning") or {})},
        "service_tier": asked.get("service_tier") or "auto",
        "store": call.store,
        "temperature": _given(asked, "temperature", 1.0),
        "text": _text(asked.get("text") or {}),
        "tool_choice": _given(asked, "tool_choice", "auto"),
        "tools": [{"description": None, "parameters": None, "strict": None, **t} for t in asked.get("tools") or ()],
        "top_logprobs": _given(asked, "top_logprobs", 0),
        "top_p": _given(asked, "top_p", 1.0),
        "truncation": "disabled",
        "usage": None,
    }


def _given(asked: Json, name: str, default: Any) -> Any:
    value = asked.get(name)
    return default if value is None else value


def _prompt(call: Call) -> Json | None:
    """Null for a prompt named by the endpoint alone: the object has no place for one without an id."""
    prompt = call.prompt
    if prompt is None or prompt.id is None:
        return None
    return {"id": prompt.id, "version": prompt.version, "variables": prompt.variables}


def _text(given: Json) -> Json:
    return {"format": {"type": "text"}, **{name: value for name, value in given.items() if value is not None}}


def usage_object(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


# Failure -------------------------------------------------------------------------------------------------------------


def error_object(error: GatewayError) -> Json:
    """The `error` of a failed response. Its `code` is one of the few the API has; `type` says more."""
    if isinstance(error, RateLimited) or error.code == "rate_limit_exceeded":
        code = "rate_limit_exceeded"
    elif isinstance(error, BadRequest):
        code = "invalid_prompt"
    else:
        code = "server_error"
    return {"code": code, "message": error.message, "type": error.type, "param": error.param}


# Log probabilities ---------------------------------------------------------------------------------------------------


class Alternative(msgspec.Struct, gc=False):
    token: str
    logprob: float
    bytes: list[int] | None = None


class TokenLogprob(Alternative, gc=False):
    top_logprobs: list[Alternative] = []


class ChoiceLogprobs(msgspec.Struct, gc=False):
    content: list[TokenLogprob] | None = None


_LOGPROBS = msgspec.json.Decoder(ChoiceLogprobs | None)


def logprobs_of(choice: Choice) -> list[Json]:
    """The log probabilities of a choice's text; `bytes` is a list where chat's may be null."""
    try:
        found = _LOGPROBS.decode(choice.logprobs)
    except msgspec.DecodeError as error:
        raise UpstreamFailed(
            "The upstream sent log probabilities of no known shape.", code="upstream_garbage"
        ) from error
    if found is None:
        return []
    return [
        {**_token(entry), "top_logprobs": [_token(top) for top in entry.top_logprobs]} for entry in found.content or ()
    ]


def _token(entry: Alternative) -> Json:
    return {"token": entry.token, "logprob": entry.logprob, "bytes": entry.bytes or []}
