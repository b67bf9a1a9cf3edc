"""A prompt's variables, typed by a JSON Schema (draft 2020-12) of type object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from gateway.errors import BadRequest
from gateway.prompts.schemas import compile_schema
from gateway.types import Json

MAX_SHOWN = 120
TOLD = frozenset(("default", "description", "examples", "title", "type"))
"""What a schema of plain text may say beside its type: nothing of this refuses a value."""

HOLDERS: dict[type | None, frozenset[str]] = {
    str: frozenset(("object",)),
    int: frozenset(("array",)),
    None: frozenset(("object", "array")),
}
"""Types of what something can be looked up in, by the type of its key."""


def schema_of(declared: Json) -> Json:
    """A schema from a manifest's short form: `{question: string, n: {type: integer, default: 3}}`. A variable without a
    default is required. A mapping that is a schema of type object already is taken as it is."""
    if declared.get("type") == "object":
        return declared
    properties = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in declared.items()}
    required = [name for name, schema in properties.items() if "default" not in schema]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Variables:
    """A compiled schema. `names` are the variables it declares."""

    names: frozenset[str]
    open: bool
    """Variables that are not declared are let through."""
    _properties: Json
    _defaults: Json
    _required: frozenset[str]
    _all_text: bool
    _validator: jsonschema_rs.Draft202012Validator

    @classmethod
    def compile(cls, schema: Json, where: str = "variables") -> Variables:
        """Raises `BadRequest` for what is not a schema of type object, or not complete in itself."""
        if schema.get("type") != "object" or not isinstance(schema.get("properties", {}), dict):
            raise BadRequest(f"{where}: the schema of variables is of type object.", param=where, code="invalid_schema")
        validator = compile_schema({"additionalProperties": False, **schema}, where)
        properties = schema.get("properties", {})
        specs = {name: spec for name, spec in properties.items() if isinstance(spec, dict)}
        return cls(
            names=frozenset(properties),
            open=bool(schema.get("additionalProperties", False)),
            _properties=specs,
            _defaults={name: spec["default"] for name, spec in specs.items() if "default" in spec},
            _required=frozenset(schema.get("required", ())),
            _all_text=set(schema) <= {"type", "properties", "required", "additionalProperties"}
            and len(specs) == len(properties)
            and all(spec.keys() <= TOLD and spec.get("type") == "string" for spec in specs.values())
            and not schema.get("additionalProperties", False),
            _validator=validator,
        )

    def may_hold(self, holder: Sequence[Any], key: Any) -> bool:
        """Whether something can be looked up, by a name, an index or (None) what nobody knows yet, in what these steps
        lead to. True where the schema does not say."""
        schema: Json = {"properties": self._properties}
        for step in holder:
            one_kind = "prefixItems" not in schema
            found = one_kind and schema.get("items") if type(step) is int else schema.get("properties", {}).get(step)
            schema = found if isinstance(found, dict) else {}
        kinds = schema.get("type", HOLDERS[None])
        return not HOLDERS.get(type(key), HOLDERS[None]).isdisjoint([kinds] if isinstance(kinds, str) else kinds)

    def check(self, values: Json) -> Json:
        """The values with defaults filled in. Raises `BadRequest` whose `param` is the variable's path."""
        if self._defaults:
            values = {**self._defaults, **values}
        if self._all_text and values.keys() <= self.names and self._required <= values.keys():
            for value in values.values():
                if type(value) is not str:
                    break
            else:
                return values
        for error in self._validator.iter_errors(values):
            raise self._refusal(error, values)
        return values

    def _refusal(self, error: Any, values: Json) -> BadRequest:
        missing = sorted(self._required - values.keys())
        if missing and not error.instance_path:
            message = f"The prompt needs the variable {missing[0]!r}, which is not given."
            return BadRequest(message, param=f"prompt.variables.{missing[0]}", code="missing_variable")
        unknown = sorted(values.keys() - self.names)
        if unknown and not error.instance_path and not self.open:
            known = ", ".join(sorted(self.names)) or "none"
            message = f"The prompt has no variable {unknown[0][:80]!r}; it has: {known}."
            return BadRequest(message, param=f"prompt.variables.{unknown[0][:80]}", code="unknown_variable")
        path = ".".join(["prompt.variables", *(str(step) for step in error.instance_path)])
        said = str(error.message)
        message = said if len(said) <= MAX_SHOWN else f"the value is not what the schema asks for ({error.kind.name})"
        return BadRequest(f"{path}: {message}.", param=path, code="invalid_variable")
