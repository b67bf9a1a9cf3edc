"""Templates of other tools, filled in: Jinja, in its sandbox, as nothing of an import is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment


class NotFilled(Exception):
    """Says why."""


def fill(template: str, values: Mapping[str, Any], *, trailing: bool = False) -> str:
    """Raises `NotFilled` for what is no template, and for a value that is not there. `trailing` keeps the end of the
    last line."""
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=trailing
    )
    try:
        return environment.from_string(template).render(values)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise NotFilled(str(error)) from error
