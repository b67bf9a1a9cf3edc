"""What `limits.py` allows and asks for, and what it finds, whether of limits alone or of whole gateways."""

from __future__ import annotations

from dataclasses import dataclass

SPREAD = (90, 60, 40, 10)
"""Callers of each replica."""
KILLED = 1
"""The replica that is killed after half a minute."""
MINUTE = 60.0
REQUESTS, TOKENS, MONEY, CONCURRENT = 3000, 400_000, 400_000, 10


@dataclass(frozen=True)
class Outcome:
    """`taken` of `allowed`; of calls at once, the most there were."""

    limit: str
    allowed: int
    taken: int

    @property
    def over(self) -> int:
        return max(0, self.taken - self.allowed)

    @property
    def reached(self) -> float:
        return self.taken / self.allowed


def next_minute(now: float) -> float:
    return (now // MINUTE + 1) * MINUTE
