"""Parts of the settings, and the secrets they refer to: a secret is a reference, `env:NAME` or `file:/path`.

This is where a secret is read from the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator, model_serializer, model_validator

from gateway.faults import BadSettings

REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def secrets(self) -> Iterator[Secret]:
        """Every reference to a secret that is in this part."""
        for _, value in self:
            yield from _secrets(value)


class Secret(Part):
    """A reference to a secret, read when it is needed and never shown."""

    reference: str

    @model_validator(mode="before")
    @classmethod
    def _written(cls, value: Any) -> Any:
        if isinstance(value, dict | Secret):
            return value
        return {"reference": str(value)}  # which refuses what is none

    @field_validator("reference")
    @classmethod
    def _refers(cls, value: str) -> str:
        if not REFERENCE.fullmatch(value):
            raise ValueError("write a reference, env:NAME or file:/path, not the secret itself")
        return value

    @model_serializer
    def _shown(self) -> str:
        return self.reference

    @property
    def file(self) -> Path | None:
        """Where it is, if it is in a file."""
        kind, _, where = self.reference.partition(":")
        return Path(where) if kind == "file" else None

    def read(self) -> str:
        """The secret. Raises `BadSettings` naming the missing variable or file."""
        if self.file is None:
            name = self.reference.removeprefix("env:")
            value = os.environ.get(name)
            if not value:
                raise BadSettings(f"The environment variable {name} is not set; the configuration refers to it.")
            return value
        try:
            return self.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise BadSettings(f"The secret file {self.file} cannot be read: {why}.") from error


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Part):
        yield from value.secrets()
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
