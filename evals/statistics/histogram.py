"""A histogram of numbers from 1 on, in buckets that grow by a fixed ratio: mergeable, small, and right to one bucket.

After Masson, Rim and Lee, "DDSketch" (VLDB 2019): every quantile is within `RATIO - 1` of a value that was seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

RATIO = 1.05


class Histogram:
    """Counts by bucket. Numbers of 0 and below share the lowest one, those from there to 1 the next."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self._counts = dict(counts or {})

    @property
    def count(self) -> int:
        return sum(self._counts.values())

    def add(self, value: float) -> None:
        bucket = -1 if value <= 0 else max(0, math.ceil(math.log(value, RATIO)))
        self._counts[bucket] = self._counts.get(bucket, 0) + 1

    def merge(self, other: Histogram) -> None:
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + count

    def quantile(self, q: float) -> float | None:
        """The upper end of the bucket in which the `q` quantile (from 0 to 1) lies; None while there is nothing."""
        rank, below = q * self.count, 0
        for bucket in sorted(self._counts):
            below += self._counts[bucket]
            if below >= rank:
                return 0.0 if bucket < 0 else RATIO**bucket
        return None

    def as_json(self) -> dict[str, int]:
        return {str(bucket): count for bucket, count in sorted(self._counts.items())}

    @classmethod
    def from_json(cls, held: Mapping[str, int]) -> Histogram:
        return cls({int(bucket): count for bucket, count in held.items()})
