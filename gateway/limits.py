"""Limits: how much a scope may take, and what one call takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

Span = Literal["day", "week", "month", "total"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """The declared limits of one scope, as `key:key_ab12` or `team:web`; None is unlimited. `budget` is micro-USD in
    a period of the UTC calendar."""

    scope: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    budget: int | None = None
    budget_period: Span = "month"


class Amounts(msgspec.Struct, frozen=True, gc=False):
    """What a call takes: an upper bound when it is reserved, the truth when it is settled. `money` is micro-USD."""

    tokens: int = 0
    money: int = 0
