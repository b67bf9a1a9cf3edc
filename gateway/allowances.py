"""Allowances as people write them: whose they are, and money by the period."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, cast, get_args

from gateway.amounts import Allowance, Span
from gateway.errors import BadRequest

Kind = Literal["key", "project", "team", "endpoint"]

MICRO = 1_000_000
MONEY = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)usd/(day|week|month|total)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose an allowance is; as text `kind:name`."""

    kind: Kind
    name: str

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Raises `BadRequest` where this names nothing that can have limits."""
        kind, _, name = text.partition(":")
        if kind not in get_args(Kind) or not name:
            message = f"Limits are of key:ID, project:NAME, team:NAME or endpoint:NAME, not of {text[:80]!r}."
            raise BadRequest(message, param="scope", code="invalid_scope")
        return cls(cast(Kind, kind), name)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Budget:
    """Micro-USD for each period; as text `50usd/month`."""

    amount: int
    period: Span

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Raises `BadRequest` for what is no amount of money, to the micro-dollar and above nothing, by a period."""
        found = MONEY.fullmatch(text)
        amount = int(Decimal(found[1]) * MICRO) if found is not None else 0
        if found is None or not amount:
            message = f"A budget is written as 50usd/month, by day, week, month or total, not as {text[:80]!r}."
            raise BadRequest(message, param="budget", code="invalid_value")
        return cls(amount, cast(Span, found[2]))

    def __str__(self) -> str:
        whole, part = divmod(self.amount, MICRO)
        return f"{whole}{f'.{part:06}'.rstrip('0') if part else ''}usd/{self.period}"


def those_of(allowances: Mapping[str, Allowance], *scopes: str) -> tuple[Allowance, ...]:
    """As many as these scopes have, in their order. `allowances` are by scope."""
    return tuple(allowances[scope] for scope in scopes if scope in allowances)


def shown(allowance: Allowance) -> dict[str, Any]:
    """For people and machines: its fields, and its budget as text."""
    budget = None if allowance.budget is None else str(Budget(allowance.budget, allowance.budget_period))
    return {
        "scope": allowance.scope,
        "requests_per_minute": allowance.requests_per_minute,
        "tokens_per_minute": allowance.tokens_per_minute,
        "concurrent": allowance.concurrent,
        "budget": budget,
    }
