"""A target that says what it was told to: deterministic and offline, for tests, examples and benchmarks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import field_validator

from evals.parts import Part
from evals.sample import Output, Sample, Usage
from evals.targets.base import Asking, TargetSpec


class Rule(Part):
    """Says `say` to a question that `when`, a regular expression, is found in; the first rule that fits counts."""

    when: str = ""
    say: str = ""

    @field_validator("when")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return value


class ScriptedSpec(TargetSpec):
    """Without a rule that fits it repeats the question. `cost` is what each answer costs, in micro-USD."""

    about: ClassVar[str] = "what it is told to say, offline"
    kind: Literal["scripted"] = "scripted"
    rules: tuple[Rule, ...] = ()
    cost: int = 0

    def open(self, folder: Path) -> Scripted:
        return Scripted(self)


class Scripted:
    def __init__(self, spec: ScriptedSpec) -> None:
        self._rules = [(re.compile(rule.when), rule.say) for rule in spec.rules]
        self._cost = spec.cost

    async def ask(self, sample: Sample, asking: Asking) -> Output:
        question = sample.question
        text = next((say for when, say in self._rules if when.search(question)), question)
        usage = Usage(len(question.split()), len(text.split()), self._cost)
        message = {"role": "assistant", "content": text}
        return Output(text, (message,), finish="stop", model="scripted", usage=usage)

    async def close(self) -> None: ...
