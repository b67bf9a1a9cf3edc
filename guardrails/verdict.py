"""What a guard found, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from guardrails.errors import Cause
from guardrails.passage import Stage

Action = Literal["allow", "flag", "redact", "ask", "fallback", "block"]
"""What becomes of a passage. `flag` lets it through and says so; `redact` takes the spans out; `ask` holds it for a
person; `fallback` has another upstream answer; `block` ends the call."""

By = Literal["mask", "hash", "vault"]
"""What stands in the place of what is redacted: its label; its label and a keyed hash, by which values are told apart;
or a placeholder, for which whoever asked has the value back in the answer."""

ACTIONS: tuple[Action, ...] = ("allow", "flag", "redact", "ask", "fallback", "block")
"""From the mildest to the strictest."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a passage, in characters of its text as it was given: `start` is included, `end` is not. `score` is
    how sure the guard is of it, from 0 to 1; `by` how it is redacted, where it is."""

    start: int
    end: int
    label: str
    score: float = 1.0
    by: By = "mask"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a guard found in one passage. `score` is from 0 to 1, the calibrated probability that what the guard looks
    for is there; rules that know give 0 or 1. `reason` quotes nothing secret. `labels` are scores by category, where
    the guard has several."""

    score: float
    spans: tuple[Span, ...] = ()
    reason: str = ""
    labels: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, spans: Iterable[Span], reason: str = "") -> Finding:
        """Of spans alone: as sure as the surest of them."""
        found = tuple(sorted(spans, key=lambda span: (span.start, span.end)))
        kinds = ", ".join(dict.fromkeys(span.label for span in found))
        return cls(max((span.score for span in found), default=0.0), found, reason or kinds)


NOTHING = Finding(0.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one guard came to about one passage. `not_run` says why it did not judge, and is None where it did: then,
    and only then, `score` is a number. `action` is what became of it, after threshold, allow-list, fail mode and dry
    run; `would` what it would have been outside a dry run."""

    guard: str
    stage: Stage
    source: str
    action: Action
    score: float | None
    threshold: float
    milliseconds: float
    spans: tuple[Span, ...] = ()
    reason: str = ""
    labels: tuple[tuple[str, float], ...] = ()
    not_run: str | None = None
    cause: Cause | None = None
    """Why it did not judge, in a word; None where it did."""
    would: Action | None = None
    allowed_by: str | None = None
    """The rule of the allow-list that let it through."""

    @property
    def ran(self) -> bool:
        return self.not_run is None

    @property
    def idle(self) -> bool:
        """It did not run because there was nothing for it to judge, which is no failure."""
        return self.cause == "idle"

    @property
    def flagged(self) -> bool:
        return self.score is not None and self.score >= self.threshold


def strictest(actions: Iterable[Action]) -> Action:
    return max(actions, key=ACTIONS.index, default="allow")
