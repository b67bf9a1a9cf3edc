"""Whether an answer names the right label: classification.

What a run came to as a whole (precision, recall, F1, confusion, ROC, calibration) is worked out by `evals.summaries`
from the labels and probabilities that these scores hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import Field, field_validator

from evals.sample import Output, Sample, Score
from evals.scorers.base import Comparing, Instruments, plain, right
from evals.scorers.fenced import fenced

Word = Annotated[str, Field(min_length=1, max_length=200)]


class Label(Comparing):
    """`labels` are a list, or a mapping from each label to other words for it: `{yes: [true, ja], no: [false, nein]}`.

    The label is read from the answer: with `field` from that field of a JSON object, and its probability, from 0 to 1,
    from the field `probability`; with `after: "Answer:"` from what comes after the last such text; else from the whole
    answer. There it may be all that is said, or the one label that is named. Where several are, or none, the answer is
    wrong, and has no label."""

    about: ClassVar[str] = "1 where the answer names the expected label, else 0"
    kind: Literal["label"] = "label"
    labels: Annotated[tuple[Word, ...] | Mapping[Word, tuple[Word, ...]], Field(min_length=2, max_length=1000)]
    after: Word | None = None
    field: Word | None = None
    probability: Word | None = None

    @field_validator("labels")
    @classmethod
    def _apart(cls, value: Any) -> Any:
        seen: dict[str, str] = {}
        for label, names in _named(value).items():
            for name in names:
                if seen.setdefault(_bare(name), label) != label:
                    raise ValueError(f"{name!r} stands for two labels, {seen[_bare(name)]!r} and {label!r}")
        return value

    def applies(self, sample: Sample) -> bool:
        wanted = self.wanted(sample)
        return wanted is not None and _bare(plain(wanted)) in self._known

    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score:
        wanted = self.wanted(sample)
        if wanted is None:
            return self.nothing()
        expected = self._known.get(_bare(plain(wanted)))
        if expected is None:
            return Score(None, f"what is expected, {plain(wanted)[:80]!r}, is none of the labels")
        found, probability, reason = self._read(output.text)
        scored = right(found == expected, reason, found)
        return Score(scored.value, reason, found, probability, details={"expected": expected})

    def _read(self, text: str) -> tuple[str | None, float | None, str]:
        """The label, its probability, and why there is no label."""
        if self.field is None:
            label, reason = self._named_in(text if self.after is None else text.rpartition(self.after)[2])
            return label, None, reason
        block = fenced(text)
        try:
            held = orjson.loads(text if block is None else block)
        except orjson.JSONDecodeError as error:
            return None, None, f"not JSON: {error}"
        if not isinstance(held, dict) or held.get(self.field) is None:
            return None, None, f"there is no {self.field!r} in the answer"
        label = self._known.get(_bare(plain(held[self.field])))
        probability = held.get(self.probability) if self.probability is not None else None
        sure = isinstance(probability, int | float) and not isinstance(probability, bool) and 0 <= probability <= 1
        reason = "" if label is not None else f"{plain(held[self.field])[:80]!r} is none of the labels"
        return label, float(probability) if sure and probability is not None else None, reason

    def _named_in(self, text: str) -> tuple[str | None, str]:
        bare = _bare(text)
        if bare in self._known:
            return self._known[bare], ""
        found = {self._known[name] for name in self._pattern.findall(bare)}
        if len(found) == 1:
            return found.pop(), ""
        said = f"it names {', '.join(sorted(found)[:5])}" if found else "it names none of the labels"
        return None, said

    @cached_property
    def _known(self) -> dict[str, str]:
        return {_bare(name): label for label, names in _named(self.labels).items() for name in names}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """The longest names first: *not safe* is not *safe*."""
        names = sorted(self._known, key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")


def _named(labels: tuple[str, ...] | Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    if isinstance(labels, Mapping):
        return {label: (label, *others) for label, others in labels.items()}
    return {label: (label,) for label in labels}


def _bare(text: str) -> str:
    return " ".join(plain(text).casefold().strip(" \t\r\n.!,;:\"'`*_()[]").split())
