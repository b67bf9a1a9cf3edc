"""Parameters: the fields of a request that a prompt or a release may fix."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from gateway.errors import BadRequest
from gateway.types import Json
from gateway.wire.body import refuse_variants
from gateway.wire.chat import CHECKS, FIELDS
from gateway.wire.fields import check_fields

NOT_PARAMETERS = {
    "messages": "it comes from the prompt and the client",
    "model": "it comes from the upstream",
    "prompt": "name it beside `parameters`",
    "response_format": "it has a place of its own beside `parameters`",
    "stream": "the client decides it",
    "stream_options": "the client decides it",
    "tools": "they have a place of their own beside `parameters`",
}


def _checked(value: Json) -> Json:
    for name, why in NOT_PARAMETERS.items():
        if name in value:
            raise ValueError(f"{name!r} is not a parameter: {why}")
    try:
        refuse_variants(value, FIELDS)
        check_fields(value, CHECKS)
    except BadRequest as error:
        raise ValueError(error.message) from error
    return value


Parameters = Annotated[Json, AfterValidator(_checked)]
"""Checked as a client's are."""
