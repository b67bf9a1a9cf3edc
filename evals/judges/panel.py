"""A panel: several models asked the same, each for itself (Verga et al. 2024, arXiv:2404.18796: together, small models
of several families judge no worse than a large one, and are less partial to their own)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import reduce
from operator import add

from evals.errors import TargetFailed
from evals.judges.hearing import Ask
from evals.sample import Score, Usage

NOTHING = Usage(cost=0)


async def vote(members: Sequence[Ask], judge: Callable[[Ask], Awaitable[Score]], grades: bool) -> Score:
    """One member's score; of more, what they come to `together`. They are asked one after another, as a run says how
    much is asked at once. Raises `TargetFailed` where none answers."""
    if len(members) == 1:
        return await judge(members[0])
    votes, failures = list[Score](), list[TargetFailed]()
    for member in members:
        try:
            votes.append(await judge(member))
        except TargetFailed as error:
            failures.append(error)
            votes.append(Score(None, f"no answer: {error.message}"))
    if len(failures) == len(members):
        raise failures[-1]
    return together(votes, grades)


def together(votes: Sequence[Score], grades: bool) -> Score:
    """Of grades the mean, for which all have to be there; else what more than half of all members say. Where no value
    has so many, it is 0.5 if all voted (which takes three values, as of pairs), and else None: who did not vote may
    have turned it. The reason has each vote."""
    values = [one.value for one in votes]
    said = [f"{at}: {_word(one.value)}, {one.reason}" for at, one in enumerate(votes, 1)]
    usage = reduce(add, (one.usage or NOTHING for one in votes))
    details: dict[str, object] = {"votes": values}
    agree = [one.details["agree"] for one in votes if "agree" in one.details]
    if agree:
        details["agree"] = all(agree)
    return Score(mean(values) if grades else majority(values), "; ".join(said), usage=usage, details=details)


def mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def majority(values: Sequence[float | None]) -> float | None:
    for value in values:
        if value is not None and 2 * values.count(value) > len(values):
            return value
    return None if None in values else 0.5


def _word(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"
