"""What a call costs: a price table shipped with the product, and integer arithmetic.

Prices are micro-USD for a million tokens, so a call's cost is an exact integer until the one rounding at the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import orjson

from gateway.types import Usage

MILLION = 1_000_000
_DATED = re.compile(r"[-@](20\d{2}-?\d{2}-?\d{2}|\d{4}|latest)$")


@dataclass(frozen=True, slots=True)
class Price:
    """Micro-USD for a million tokens. `cached_input` of None means cached tokens cost what others do; `reasoning` of
    None means the same for reasoning tokens."""

    input: int
    output: int = 0
    cached_input: int | None = None
    reasoning: int | None = None


def cost(price: Price | None, usage: Usage) -> int:
    """Micro-USD, rounded half up. Cached tokens are part of the input, reasoning tokens of the output, and each token
    is paid for once. Without a price 0: the call is unpriced, which a record shows by its tokens."""
    if price is None:
        return 0
    cached = min(usage.cached, usage.input)
    reasoning = min(usage.reasoning, usage.output)
    total = (
        (usage.input - cached) * price.input
        + cached * (price.input if price.cached_input is None else price.cached_input)
        + (usage.output - reasoning) * price.output
        + reasoning * (price.output if price.reasoning is None else price.reasoning)
    )
    return (total + MILLION // 2) // MILLION


@dataclass(frozen=True, slots=True)
class Listed:
    """What the table knows of a model. `shutdown_date` is an ISO date, where the provider announced one."""

    price: Price
    shutdown_date: str | None = None


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The shipped table. `version` is the date its facts were gathered."""

    version: str
    models: Mapping[str, Listed]

    @classmethod
    def load(cls) -> PriceTable:
        raw = orjson.loads(files("gateway").joinpath("prices.json").read_bytes())
        return cls(
            raw["version"],
            {name: Listed(Price(*row["price"]), row.get("shutdown_date")) for name, row in raw["models"].items()},
        )

    def find(self, provider: str, model: str) -> Listed | None:
        """By exact name, by the name without its provider, by the name without its date. Embedded models are free, and
        not listed."""
        for name in (model, model.rpartition("/")[2]):
            if name in self.models:
                return self.models[name]
            undated = _DATED.sub("", name)
            if undated in self.models:
                return self.models[undated]
        return None
