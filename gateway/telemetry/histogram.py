"""Counts by bucket."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Bounds and sums are in microseconds, so that everything stays an integer."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0

    def add(self, value_us: int) -> None:
        self.counts[bisect_left(self.bounds, value_us)] += 1
        self.total += value_us

    def buckets(self, seconds: tuple[float, ...]) -> list[tuple[str, float]]:
        """Cumulative, as Prometheus wants them."""
        seen = 0
        out: list[tuple[str, float]] = []
        for bound, count in zip((*(f"{s:g}" for s in seconds), "+Inf"), self.counts, strict=True):
            seen += count
            out.append((bound, float(seen)))
        return out


def microseconds(seconds: Sequence[float]) -> tuple[int, ...]:
    return tuple(round(bound * 1e6) for bound in seconds)
