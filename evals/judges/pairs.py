"""Which of two answers is better: a model is asked in both orders, as many prefer what stands first, or last (Zheng et
al. 2023, arXiv:2306.05685), and is never told whose answer is which."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evals.judges.asking import MATERIAL, Unread, context, messages, reason
from evals.judges.hearing import Ask, Heard, hear
from evals.sample import Sample, Score

FORM = (
    "Two answers to one question are compared. Answer with one JSON object and nothing else: "
    f'{{"reason": "one sentence", "better": "first"}}, or "second", or "tie" where neither is better. {MATERIAL}'
)
BETTER = re.compile(r'"better"\s*:\s*"(first|second|tie)"', re.IGNORECASE)
ALIKE = Score(0.5, "both answers are the same")
VALUES = {"first": 1.0, "tie": 0.5, "second": 0.0}


@dataclass(frozen=True, slots=True)
class Preference:
    """`value` is 1 where the first answer is better, 0 where the second is, 0.5 where neither is."""

    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to a sample. Where one of them is the expected one, it is not shown as such."""

    sample: Sample
    answer: str
    other: str
    expected: bool = False


async def preferred(ask: Ask, rubric: str, pair: Pair) -> Score:
    """1.0 where `answer` is better in both orders, 0.0 where `other` is; 0.5 for a tie, and where the orders disagree;
    None where one of both cannot be read. `details` hold what each order came to, and whether they agree."""
    if pair.answer.strip() == pair.other.strip():
        return ALIKE
    ahead = await hear(ask, _asked(rubric, pair, pair.answer, pair.other), _read)
    behind = await hear(ask, _asked(rubric, pair, pair.other, pair.answer), _read)
    usage = ahead.usage + behind.usage
    for heard in (ahead, behind):
        if heard.said is None:
            return Score(None, heard.why, usage=usage)
    one, other = _said(ahead), _said(behind)
    values = (one.value, 1 - other.value)
    details = {"orders": list(values), "agree": values[0] == values[1]}
    if values[0] != values[1]:
        words = f"the orders disagree. As the first: {one.reason} As the second: {other.reason}"
        return Score(0.5, words, usage=usage, details=details)
    words = {1.0: "better in both orders", 0.5: "a tie in both orders", 0.0: "worse in both orders"}[values[0]]
    return Score(values[0], f"{words}: {one.reason}", usage=usage, details=details)


def _asked(rubric: str, pair: Pair, first: str, second: str) -> Sample:
    texts = context(pair.sample, not pair.expected)
    return messages(f"{rubric}\n\n{FORM}", [*texts, ("first answer", first), ("second answer", second)])


def _read(text: str) -> Preference:
    found = {one.lower() for one in BETTER.findall(text)}
    if len(found) != 1:
        raise Unread('the judge said neither "first" nor "second" nor "tie"' if not found else "the judge said several")
    return Preference(VALUES[found.pop()], reason(text))


def _said(heard: Heard[Preference]) -> Preference:
    assert heard.said is not None
    return heard.said
