"""`/v1/embeddings`. The reply's bytes pass through; only its token count is read."""

from __future__ import annotations

import msgspec

from gateway.errors import BadRequest, GatewayError, UpstreamFailed, error_body
from gateway.types import Json, Operation
from gateway.wire.body import refuse_variants
from gateway.wire.chunks import MAX_NAME, Meter, WireUsage
from gateway.wire.completions import check_texts_or_tokens
from gateway.wire.fields import check_integer, check_string, flag, text
from gateway.wire.surface import Call

FIELDS = frozenset("dimensions encoding_format input model user".split())
MAX_INPUTS = 2048


class Reply(msgspec.Struct):
    data: list[msgspec.Raw]
    model: str = ""
    usage: WireUsage | None = None


_DECODER = msgspec.json.Decoder(Reply)


class Embeddings:
    """The `Surface` of embeddings."""

    name = "embeddings"
    operation: Operation = "embeddings"

    def read(self, body: Json) -> Call:
        if not body.keys() <= FIELDS:
            refuse_variants(body, FIELDS)
        model = text(body, "model")
        given = body.get("input")
        check_texts_or_tokens(given, "input")
        _check_inputs(given)
        check_integer(body, "dimensions", 1)
        check_string(body, "user")
        if body.get("encoding_format", "float") not in (None, "float", "base64"):
            message = "'encoding_format' is float or base64."
            raise BadRequest(message, param="encoding_format", code="invalid_value")
        for name in ("encoding_format", "dimensions", "user"):
            if name in body and body[name] is None:
                del body[name]  # several servers refuse a null
        if flag(body, "stream"):
            raise BadRequest("Embeddings are not streamed.", param="stream", code="invalid_value")
        return Call(model=model, body=body, stream=False, asked=body)

    def translator(self, call: Call) -> WholeOnly:
        return WholeOnly()

    def error(self, error: GatewayError) -> bytes:
        return error_body(error)


class WholeOnly:
    """The `Translator` of embeddings: there is no stream."""

    def __init__(self) -> None:
        self.meter = Meter()

    def whole(self, body: bytes) -> bytes:
        try:
            reply = _DECODER.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            message = "The upstream sent something that is not embeddings."
            raise UpstreamFailed(message, code="upstream_garbage") from error
        self.meter.model = reply.model[:MAX_NAME]
        self.meter.usage = reply.usage.usage() if reply.usage is not None else None
        return body

    def feed(self, data: bytes) -> bytes:
        raise UpstreamFailed("Embeddings are not streamed.", code="upstream_garbage")

    def finish(self) -> bytes:
        raise UpstreamFailed("Embeddings are not streamed.", code="upstream_garbage")

    def fail(self, error: GatewayError) -> bytes:
        return error_body(error)


def _check_inputs(given: object) -> None:
    if given == "":
        raise BadRequest("'input' must not be empty.", param="input", code="invalid_value")
    if isinstance(given, list):
        if len(given) > MAX_INPUTS and not isinstance(given[0], int):
            message = f"'input' holds at most {MAX_INPUTS} items, not {len(given)}."
            raise BadRequest(message, param="input", code="invalid_value")
        for index, item in enumerate(given):
            if item == "":
                message = "An input must not be empty."
                raise BadRequest(message, param=f"input[{index}]", code="invalid_value")
