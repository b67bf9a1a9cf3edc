"""What a scorer is: frozen options, as they stand in a suite, that can score an output."""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from evals.digest import canonical
from evals.evidence import Metric
from evals.judges.bench import Bench
from evals.parts import Part
from evals.sample import Output, Sample, Score


class Instruments(Protocol):
    """What the runner lends to scorers: what costs money or memory, and is shared, counted and remembered."""

    def judge(self, name: str, repeat: int) -> Bench:
        """The suite's judge of that name, for one repeat. What it was asked before, it is not paid for again."""

    async def rival(self, sample: Sample) -> Output:
        """The other arm's answer to the same sample, in the same repeat: the one that is in its log. Only where a run
        has two arms. Raises `TargetFailed`, `BudgetSpent`."""

    async def embed(self, texts: Sequence[str]) -> Any:
        """Unit vectors, `len(texts)` x width, float32. Raises `Missing`, `TargetFailed`."""


class Scorer(Part, ABC):
    """`name` is the metric that it yields; that of its kind where it is not given. More is better, unless `lower`.

    `score` gives one score, whose value is finite or None; it never raises over what an output holds: an output that
    cannot be scored has a score of None with the reason, or of 0 where failing to be readable is being wrong."""

    kind: str
    name: Metric | None = None
    lower: ClassVar[bool] = False
    """Whether less is better, as of seconds."""
    asks: ClassVar[str] = "verdict"
    """What the judge that it asks has to be for: its own `asks`."""
    about: ClassVar[str]
    """What it measures, its range and the paper where there is one, in a line: for help and reports."""

    @property
    def metric(self) -> str:
        return self.name or self.kind

    @property
    def judge_name(self) -> str | None:
        """The judge of the suite that it asks."""
        return None

    @property
    def two_arms(self) -> bool:
        """Whether it holds an answer against the other arm's."""
        return False

    def __getstate__(self) -> dict[Any, Any]:
        """Executors send scorers elsewhere: without what was worked out from the options, which is not always sent."""
        state = super().__getstate__()
        return {**state, "__dict__": {name: state["__dict__"][name] for name in type(self).model_fields}}

    def placed(self, folder: Path) -> Self:
        """The scorer with what it needs of the suite's folder, read once. Raises `BadInput` where that is not there."""
        return self

    def applies(self, sample: Sample) -> bool:
        """Whether the sample has what this scorer compares with. One that applies to no sample of a suite is a
        mistake, and is told before anything is asked."""
        return True

    @abstractmethod
    async def score(self, sample: Sample, output: Output, instruments: Instruments, repeat: int) -> Score: ...

    @property
    def identity(self) -> Mapping[str, Any]:
        """What of it goes into the digest of a suite: all that changes a score."""
        return self.model_dump(mode="json", exclude_defaults=False)


class Comparing(Scorer):
    """A scorer that holds an answer against what the sample expects. `key` takes a part of it, where `expected` is a
    mapping that several scorers share: `expected: {answer: Paris, calls: [...]}`."""

    key: str | None = None

    def wanted(self, sample: Sample) -> Any:
        """None where the sample expects nothing."""
        if self.key is None:
            return sample.expected
        return sample.expected.get(self.key) if isinstance(sample.expected, dict) else None

    def applies(self, sample: Sample) -> bool:
        return self.wanted(sample) is not None

    def references(self, sample: Sample) -> list[str]:
        """The texts any of which is right; none where the sample expects nothing."""
        wanted = self.wanted(sample)
        return [plain(one) for one in (wanted if isinstance(wanted, list) else [wanted]) if one is not None]

    def nothing(self) -> Score:
        """The score where the sample expects nothing."""
        return Score(None, f"the sample expects no {self.key!r}" if self.key else "the sample has nothing expected")


def plain(value: Any) -> str:
    """A JSON value as the text an answer would have for it; accents in their composed form (NFC)."""
    return unicodedata.normalize("NFC", value if isinstance(value, str) else canonical(value).decode())


def right(is_right: bool, reason: str = "", answer: str | None = None) -> Score:
    """1.0 or 0.0."""
    return Score(1.0 if is_right else 0.0, reason, answer)
