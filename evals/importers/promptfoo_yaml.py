"""YAML and templates as JavaScript has them: `yes`, `12:30` and dates are texts, and `true` prints as `true`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from evals.errors import BadInput
from evals.importers.template import NotFilled, fill
from evals.sample import Json

DEEPEST = 50


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, in place of 1.1."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  PyYAML's own


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?\d+|0x[\da-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def loaded(text: str) -> Any:
    """Raises `yaml.YAMLError`."""
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def filled(template: str, values: Mapping[str, Any]) -> str:
    """What is not there is empty. Raises `NotFilled` for what is no template."""
    return fill(template, values, lenient=True, shown=_shown)


def lacks(template: str, values: Mapping[str, Any]) -> bool:
    """Whether something is not there."""
    try:
        fill(template, values)
    except NotFilled:
        return True
    return False


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return ",".join(str(_shown(one)) for one in value) if isinstance(value, list) else value


def resolved(value: Any, root: Json, depth: int = 0) -> Any:
    """With what `$ref: '#/…'` stands for in its place. Raises `BadInput` where there is none."""
    if depth > DEEPEST:
        raise BadInput("its $ref lead to each other.")
    if isinstance(value, list):
        return [resolved(one, root, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(path := value.get("$ref"), str) and path.startswith("#/"):
        return resolved(_at(path, root), root, depth + 1)
    return {key: resolved(one, root, depth + 1) for key, one in value.items()}


def _at(path: str, root: Json) -> Any:
    found: Any = root
    for step in path.removeprefix("#/").split("/"):
        if not isinstance(found, dict) or step not in found:
            raise BadInput(f"its $ref {path[:80]!r} names nothing.")
        found = found[step]
    return found
