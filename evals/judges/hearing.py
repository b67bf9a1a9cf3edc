"""Hears what a judge's model says, and asks once more where that cannot be read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from msgspec.structs import replace

from evals.judges.asking import LONGEST, Unread
from evals.sample import Json, Output, Sample, Usage

T = TypeVar("T")

Ask = Callable[[Sample], Awaitable[Output]]
"""Asks a judge's model, and gives the answer that was paid for where it was asked the same before. Raises
`TargetFailed`, `BudgetSpent`."""


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """`said` is None where it could not be read, the second time neither, and `why` says so. `usage` is of both."""

    said: T | None
    why: str
    usage: Usage


async def hear(ask: Ask, question: Sample, read: Callable[[str], T]) -> Heard[T]:
    """`read` raises `Unread`. The second question shows the first answer and says what is wrong with it: it is another
    question, whose answer is remembered by itself."""
    output = await ask(question)
    try:
        return Heard(read(output.text), "", output.usage)
    except Unread as error:
        again = await ask(_once_more(question, output.text, str(error)))
    usage = output.usage + again.usage
    try:
        return Heard(read(again.text), "", usage)
    except Unread as error:
        return Heard(None, f"{error}, asked twice: {again.text[:200]!r}", usage)


def _once_more(question: Sample, said: str, why: str) -> Sample:
    """An answer without a word is left out: some APIs refuse one."""
    request: Json = {"role": "user", "content": f"That cannot be read: {why}. Answer in the form that you were told."}
    before: tuple[Json, ...] = ({"role": "assistant", "content": said[:LONGEST]},) if said.strip() else ()
    return replace(question, messages=(*question.messages, *before, request))
