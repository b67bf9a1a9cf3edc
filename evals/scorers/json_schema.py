"""Whether an answer is JSON of the right form."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import jsonschema_rs
import orjson
from pydantic import ConfigDict, Field, field_validator

from evals.errors import BadInput
from evals.sample import Json, Output, Sample, Score
from evals.scorers.base import Instruments, Scorer, right
from evals.scorers.fenced import fenced

SHOWN = 5
"""Faults of one answer that its score tells."""


class JsonSchema(Scorer):
    """`schema` is a JSON Schema, or the path of a file that holds one; without it any JSON will do. With `fenced: true`
    the JSON may stand in a fenced block among other words; else the whole answer has to be JSON.

    A schema that refers to another document is refused: nothing is fetched or read for one."""

    model_config = ConfigDict(serialize_by_alias=True)

    about: ClassVar[str] = "1 where the answer is JSON that the schema allows, else 0"
    kind: Literal["json_schema"] = "json_schema"
    rules: Json | str | None = Field(None, alias="schema")
    fenced: bool = False

    @field_validator("rules")
    @classmethod
    def _is_one(cls, value: Json | str | None) -> Json | str | None:
        if isinstance(value, dict):
            _validator(value)
        return value

    def placed(self, folder: Path) -> Self:
        if not isinstance(self.rules, str):
            return self
        path = folder / self.rules
        try:
            rules = orjson.loads(path.read_bytes())
            if not isinstance(rules, dict):
                raise ValueError("it is not a JSON object")
            _validator(rules)
        except OSError as error:
            raise BadInput(f"the schema {path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise BadInput(f"the schema {path}: {error}.") from error
        return self.model_copy(update={"rules": rules})

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        block = fenced(output.text) if self.fenced else None
        try:
            value = orjson.loads(output.text if block is None else block)
        except orjson.JSONDecodeError as error:
            return right(False, f"not JSON: {error}")
        faults = list(islice(self._checker.iter_errors(value), SHOWN))
        said = [f"{'.'.join(map(str, fault.instance_path)) or 'the whole'}: {fault.message}" for fault in faults]
        return right(not said, "; ".join(said))

    @cached_property
    def _checker(self) -> Any:
        return _validator(self.rules if isinstance(self.rules, dict) else {})


def _validator(rules: Json) -> Any:
    """Raises `ValueError` for what is no schema, and for one that refers to others."""
    try:
        return jsonschema_rs.validator_for(rules, retriever=_retrieve_nothing)
    except jsonschema_rs.ValidationError as error:
        raise ValueError(f"is no JSON Schema: {error.message}") from error


def _retrieve_nothing(uri: str) -> Any:
    """In the place of the validator's own, which asks servers and opens files."""
    raise ValueError("nothing is fetched for a schema")
