"""A target within another: an agent's model, the model that a simulated user talks to."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError

from evals.errors import BadInput
from evals.sample import Json
from evals.targets import registry
from evals.targets.base import TargetSpec


def spec_of(value: Json) -> TargetSpec:
    """Raises `BadInput`."""
    try:
        return registry.find(str(value.get("kind"))).model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in fault["loc"])
        raise BadInput(f"{where}: {fault['msg'].removeprefix('Value error, ')}") from error


def _known(value: Json) -> Json:
    try:
        spec_of(value)
    except BadInput as error:
        raise ValueError(error.message) from error
    return value


Nested = Annotated[dict[str, Any], AfterValidator(_known)]
"""As it stands in a suite."""
