"""JSON Schemas that calls bring with them: compiled so that nothing is fetched and every pattern takes linear time."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from guardrails.errors import NotRun

MOST_NESTED = 100
"""Levels of a value or of a schema."""


def compiled(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """Raises `NotRun` where it is no schema, refers to something outside, or has a pattern that needs backtracking."""
    try:
        return jsonschema_rs.Draft202012Validator(
            schema, retriever=_nothing, pattern_options=jsonschema_rs.RegexOptions()
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, RecursionError) as error:
        raise NotRun(f"the JSON Schema cannot be read: {str(error).splitlines()[0][:200]}", "unreadable") from error


def fault(schema: Any, value: Any) -> str | None:
    """What is wrong first, as `recipients.0: is not of type "string"`, None where nothing is. It quotes no value."""
    first = next(compiled(schema).iter_errors(value), None)
    if first is None:
        return None
    place = ".".join(str(step) for step in first.instance_path)
    return f"{place}: {_rule(first)}" if place else _rule(first)


def _rule(error: jsonschema_rs.ValidationError) -> str:
    return f"it breaks the rule {'.'.join(str(step) for step in error.schema_path)} of the schema"


def _nothing(uri: str) -> Any:
    raise ValueError(f"it refers to {uri[:100]}, and nothing is fetched")
