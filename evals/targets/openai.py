"""Any URL that speaks OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from evals import environment
from evals.judges.family import family_of
from evals.targets.base import Target, TargetSpec
from evals.targets.chat import Chat, Prices


class OpenAISpec(TargetSpec):
    """`key` names the variable of the environment that holds the key; where it was left out and is not set, none is
    sent. `parameters` go into each request, as `temperature` or `max_tokens`; `seeded` sends a seed with each, which
    some models refuse. A budget needs `prices`."""

    about: ClassVar[str] = "any URL that speaks OpenAI's chat completions"
    kind: Literal["openai"] = "openai"
    base_url: str = Field("https://api.openai.com/v1", pattern=r"^https?://")
    model: str
    key: str | None = None
    parameters: Mapping[str, Any] = {}
    seeded: bool = True
    prices: Prices | None = None

    @property
    def identity(self) -> Mapping[str, Any]:
        """Which model, where, and with what parameters."""
        return self.model_dump(mode="json", include={"kind", "base_url", "model", "parameters", "seeded"})

    @property
    def family(self) -> str | None:
        return family_of(self.model)

    def open(self, folder: Path) -> Target:
        key = environment.key(self.key) if self.key is not None else environment.value("OPENAI_API_KEY")
        return Chat(self.base_url, key, {"model": self.model, **self.parameters}, self.seeded, self.prices)
