"""`/v1/completions`: OpenAI's legacy completions. Bytes pass through, as for chat."""

from __future__ import annotations

from gateway.errors import BadRequest, GatewayError, error_body
from gateway.types import Json, Operation
from gateway.wire.body import refuse_variants
from gateway.wire.chat import PassThrough, check_streaming
from gateway.wire.fields import MOST_TOKENS, SAMPLING, Check, check_fields, check_string, flag, integer, text
from gateway.wire.surface import Call

FIELDS = frozenset(
    "best_of echo frequency_penalty logit_bias logprobs max_tokens model n presence_penalty prompt seed stop stream "
    "stream_options suffix temperature top_p user".split()
)
CHECKS: dict[str, Check] = {
    **SAMPLING,
    "best_of": integer(1, 20),
    "echo": flag,
    "logprobs": integer(0, 5),
    "max_tokens": integer(0, MOST_TOKENS),
    "suffix": check_string,
}


class Completions:
    """The `Surface` of legacy completions."""

    name = "completions"
    operation: Operation = "completions"

    def read(self, body: Json) -> Call:
        if not body.keys() <= FIELDS:
            refuse_variants(body, FIELDS)
        model = text(body, "model")
        check_texts_or_tokens(body.get("prompt"), "prompt")
        stream = check_streaming(body)
        check_fields(body, CHECKS)
        if body.get("max_tokens") == 0 and not body.get("echo"):
            message = "'max_tokens' of 0 is for 'echo', without which there is nothing to answer."
            raise BadRequest(message, param="max_tokens", code="invalid_value")
        return Call(model=model, body=body, stream=stream, asked=body)

    def translator(self, call: Call) -> PassThrough:
        return PassThrough(call)

    def error(self, error: GatewayError) -> bytes:
        return error_body(error)


def check_texts_or_tokens(value: object, name: str) -> None:
    """A string, a list of strings, a list of tokens, or a list of lists of tokens; none of them empty."""
    if value is None:
        raise BadRequest(f"Missing required parameter: {name!r}.", param=name, code="missing_required_parameter")
    if type(value) is str:
        return
    if type(value) is not list or not value:
        raise BadRequest(f"{name!r} must be a string or a non-empty array.", param=name, code="invalid_type")
    kind = type(value[0])
    if kind not in (str, int, list) or any(type(item) is not kind for item in value):
        message = f"{name!r} must hold strings, tokens, or arrays of tokens, all of one kind."
        raise BadRequest(message, param=name, code="invalid_type")
    if kind is list:
        for index, tokens in enumerate(value):
            if not tokens or any(type(token) is not int for token in tokens):
                message = "An array of tokens holds integers, at least one."
                raise BadRequest(message, param=f"{name}[{index}]", code="invalid_type")
