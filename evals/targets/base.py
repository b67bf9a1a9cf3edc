"""What a target is: how a suite names it, and what answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import msgspec

from evals.parts import Part
from evals.sample import Output, Sample


class Asking(msgspec.Struct, frozen=True):
    """One ask of a sample: which repeat it is (from 0), and the seed that is its own; and which it is (from 0) of the
    samples that ask the same."""

    repeat: int
    seed: int
    twin: int = 0


class Target(Protocol):
    async def ask(self, sample: Sample, asking: Asking) -> Output:
        """Asks once; time-outs and repeats of failures are the runner's. Raises `TargetFailed`. What the target refuses
        to answer (a content filter, a refusal in words) is an output, not a failure."""

    async def close(self) -> None: ...


class TargetSpec(Part, ABC):
    """As it stands in a suite. Two specs with one `identity` give interchangeable answers."""

    kind: str
    about: ClassVar[str]
    """What it asks, in a line, for help."""
    sees_all: ClassVar[bool] = False
    """Whether an answer may depend on all of a sample, what is expected and what is known of it among that."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the answers depend on, for the cache and the log; no secret, and nothing that only says how to get
        there (addresses, keys)."""
        return self.model_dump(mode="json")

    @property
    def family(self) -> str | None:
        """The family of models that answers, as far as its name says (`gpt`, `claude`, `llama`): a judge of the same
        family prefers its own."""
        return None

    def placed(self, folder: Path) -> Self:
        """With what it names in the suite's folder. Raises `BadInput` where that is not there, or a library is not."""
        return self

    @abstractmethod
    def open(self, folder: Path) -> Target:
        """`folder` is the suite's: files and modules are looked for there first. Raises `BadInput` where it cannot be:
        a key that is not set, a function that is not there."""
