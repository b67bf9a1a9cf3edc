"""Whether what is said in a call is kept, and what is taken out of it first: the setting `content`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

PersonalData = Literal["email", "phone", "card", "iban", "ip"]
Capture = Annotated[
    Literal["off", "sampled", "full"],
    BeforeValidator(lambda value: "off" if value is False else value),  # what YAML makes of the word
]


class ContentPolicy(BaseModel):
    """Beside the records, which say only what happened. Secrets are always taken out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    capture: Capture = Field("off", description="off, sampled (the share `rate` of the calls) or full.")
    rate: float = Field(0.01, ge=0, le=1)
    redact: tuple[PersonalData, ...] = Field(
        ("email", "phone", "card", "iban", "ip"), description="Personal data that is taken out, too."
    )
    patterns: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")], str] = Field(
        {}, description="Regular expressions of what else is taken out, by the name put in its place."
    )
    max_bytes: int = Field(65_536, ge=256, le=262_144, description="Kept of a request, and of its answer.")
    endpoints: dict[str, Capture] = Field({}, description="`capture` of single endpoints.")
    keys: dict[str, Capture] = Field({}, description="`capture` of single keys, by id; outranks the endpoints'.")

    @field_validator("patterns")
    @classmethod
    def _compile(cls, value: dict[str, str]) -> dict[str, str]:
        for name, pattern in value.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{name!r} is no regular expression: {error}") from error
        return value

    def wants(self, key_id: str, endpoint: str | None, chance: float) -> bool:
        """Whether a call of this key to this endpoint is kept; `chance` is a number drawn from 0 to 1."""
        capture = self.keys.get(key_id) or self.endpoints.get(endpoint or "") or self.capture
        return capture == "full" or (capture == "sampled" and chance < self.rate)

    @property
    def off(self) -> bool:
        """Nothing is ever kept."""
        return {self.capture, *self.endpoints.values(), *self.keys.values()} == {"off"}
