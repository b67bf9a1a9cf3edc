"""Templates of other tools, filled in: Jinja, in its sandbox, as nothing of an import is trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import ChainableUndefined, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment


class NotFilled(Exception):
    """Says why."""


def fill(
    template: str,
    values: Mapping[str, Any],
    *,
    trailing: bool = False,
    lenient: bool = False,
    shown: Callable[[Any], Any] | None = None,
) -> str:
    """Raises `NotFilled` for what is no template, and for a value that is not there, which is empty where it is
    `lenient`. `trailing` keeps the end of the last line; `shown` says how a value is written."""
    environment = ImmutableSandboxedEnvironment(
        undefined=ChainableUndefined if lenient else StrictUndefined,
        autoescape=False,
        keep_trailing_newline=trailing,
        finalize=shown,
    )
    try:
        return environment.from_string(template).render(values)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise NotFilled(str(error)) from error
