"""The fields of a request, one at a time: typed, within their bounds, and named when they are not.

A field that is null is a field that was left out. What a value means is the upstream's to judge where the API keeps
adding to it (`reasoning_effort`, `service_tier`): here only its type is fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.errors import BadRequest
from gateway.types import Json, PromptRef

Check = Callable[[Json, str], object]
"""Raises `BadRequest` if the field of that name holds what it may not."""

MOST_TOKENS = 2**31 - 1
"""Of one reply; servers keep the number in 32 bits."""


def check_fields(body: Json, checks: Mapping[str, Check]) -> None:
    """Check those fields of a body that are in the table; the others pass."""
    for name, value in body.items():
        if value is not None and name in checks:
            checks[name](body, name)


def text(body: Json, name: str, where: str = "") -> str:
    value = body.get(name)
    if type(value) is not str or not value:
        param = f"{where}{name}"
        if value is None:
            raise BadRequest(f"Missing required parameter: {param!r}.", param=param, code="missing_required_parameter")
        raise _mistyped(param, "a non-empty string")
    return value


def flag(body: Json, name: str, where: str = "") -> bool:
    value = body.get(name)
    if value is None:
        return False
    if type(value) is not bool:
        raise _mistyped(f"{where}{name}", "true or false")
    return value


def check_integer(body: Json, name: str, least: int, most: int | None = None) -> None:
    value = body.get(name)
    if value is None:
        return
    if type(value) is not int:
        raise _mistyped(name, "an integer")
    if value < least or (most is not None and value > most):
        span = f"at least {least}" if most is None else f"between {least} and {most}"
        raise BadRequest(f"{name!r} must be {span}, not {value}.", param=name, code="invalid_value")


def check_number(body: Json, name: str, least: float, most: float) -> None:
    value = body.get(name)
    if value is None:
        return
    if type(value) is not float and type(value) is not int:
        raise _mistyped(name, "a number")
    if not least <= value <= most:
        message = f"{name!r} must be between {least:g} and {most:g}, not {value:g}."
        raise BadRequest(message, param=name, code="invalid_value")


def check_object(body: Json, name: str, where: str = "") -> Json | None:
    value = body.get(name)
    if value is not None and type(value) is not dict:
        raise _mistyped(f"{where}{name}", "an object")
    return value


def integer(least: int, most: int | None = None) -> Check:
    """`check_integer` within these bounds."""
    return lambda body, name: check_integer(body, name, least, most)


def number(least: float, most: float) -> Check:
    """`check_number` within these bounds."""
    return lambda body, name: check_number(body, name, least, most)


def check_array(body: Json, name: str, where: str = "") -> None:
    value = body.get(name)
    if value is not None and type(value) is not list:
        raise _mistyped(f"{where}{name}", "an array")


def check_string(body: Json, name: str, where: str = "") -> None:
    value = body.get(name)
    if value is not None and type(value) is not str:
        raise _mistyped(f"{where}{name}", "a string")


def check_stop(body: Json, name: str) -> None:
    """A string, or an array of strings."""
    value = body.get(name)
    if value is None or type(value) is str:
        return
    if type(value) is not list or any(type(item) is not str for item in value):
        raise _mistyped(name, "a string or an array of strings")


def check_metadata(body: Json, name: str) -> None:
    for key, value in (check_object(body, name) or {}).items():
        if type(value) is not str:
            raise _mistyped(f"{name}.{key[:80]}", "a string")


def check_bias(body: Json, name: str) -> None:
    """Token ids, as strings, to numbers from -100 to 100."""
    for token, value in (check_object(body, name) or {}).items():
        where = f"{name}.{token[:80]}"
        if not (token.isascii() and token.isdigit()):
            raise BadRequest(f"The keys of {name!r} are token ids.", param=where, code="invalid_value")
        if type(value) not in (int, float) or not -100 <= value <= 100:
            message = f"The values of {name!r} are numbers between -100 and 100."
            raise BadRequest(message, param=where, code="invalid_value")


def _mistyped(param: str, wanted: str) -> BadRequest:
    return BadRequest(f"{param!r} must be {wanted}.", param=param, code="invalid_type")


SAMPLING: dict[str, Check] = {
    "frequency_penalty": number(-2, 2),
    "logit_bias": check_bias,
    "n": integer(1, 128),
    "presence_penalty": number(-2, 2),
    "seed": integer(-(2**63), 2**63 - 1),
    "stop": check_stop,
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "user": check_string,
}
"""What chat and legacy completions have in common."""


def take_prompt(body: Json) -> PromptRef | None:
    """Remove and read the standard `prompt` object `{id, version, variables}`."""
    given = body.pop("prompt", None)
    if given is None:
        return None
    if type(given) is not dict:
        raise BadRequest("'prompt' must be an object with 'variables'.", param="prompt", code="invalid_type")
    for name in ("id", "version"):
        if given.get(name) is not None and type(given[name]) is not str:
            raise BadRequest(f"'prompt.{name}' must be a string.", param=f"prompt.{name}", code="invalid_type")
    variables = given.get("variables")
    if variables is not None and type(variables) is not dict:
        raise BadRequest("'prompt.variables' must be an object.", param="prompt.variables", code="invalid_type")
    unknown = given.keys() - {"id", "version", "variables"}
    if unknown:
        name = min(unknown)
        raise BadRequest(f"'prompt' has no field {name!r}.", param=f"prompt.{name}", code="unknown_parameter")
    return PromptRef(given.get("id"), given.get("version"), variables or {})
