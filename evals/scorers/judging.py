"""A scorer that asks one of the suite's judges."""

from __future__ import annotations

from evals.scorers.base import Scorer


class Judging(Scorer):
    """`judge` is one of the suite's `judges`."""

    judge: str

    @property
    def judge_name(self) -> str | None:
        return self.judge
