"""How much of an answer its documents support: a model lists the claims that it makes, and says of each whether the
documents bear it out (faithfulness, of RAGAS: Es et al. 2023, arXiv:2309.15217; the words are ours)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from evals.judges.asking import MATERIAL, Unread, context, messages
from evals.judges.hearing import Ask, hear
from evals.sample import Sample, Score

LIST = (
    "List the claims that an answer to a question makes. Each is one statement that is true or false by itself: put "
    "names in place of pronouns. Leave out courtesies, questions, and what the answer says of itself, such as that it "
    "does not know. Add nothing, and do not say whether a claim is true. Answer with one JSON object and nothing else: "
    f'{{"claims": ["one", "another"]}}, or {{"claims": []}} where there is none. {MATERIAL}'
)
CHECK = (
    "Claims are held against documents. A claim is supported where the documents say it, or it follows from what they "
    "say; not because it is likely, or known to be true. Answer with one JSON object and nothing else, which has each "
    'claim by its number: {"claims": [{"claim": 1, "reason": "a few words", "supported": "yes"}]}, or "no". '
    f"{MATERIAL}"
)
FORM = f"{LIST}\n\n{CHECK}"
MOST = 100
"""Claims of one answer; those after them are left out of account."""
LONGEST = 1000
"""Characters of a claim."""
SHOWN = 20


async def supported(ask: Ask, rubric: str, sample: Sample, answer: str) -> Score:
    """From 0 to 1: the share of claims that the sample's documents support. None where there is no document or no
    claim, and where the model cannot be read."""
    if not sample.documents:
        return Score(None, "there are no documents")
    listed = await hear(ask, _listing(sample, answer), _read_claims)
    if listed.said is None:
        return Score(None, listed.why, usage=listed.usage)
    claims = listed.said
    if not claims:
        return Score(None, "the answer claims nothing", usage=listed.usage)
    checked = await hear(ask, _checking(rubric, sample, claims), lambda text: _read_support(text, len(claims)))
    usage = listed.usage + checked.usage
    if checked.said is None:
        return Score(None, checked.why, usage=usage)
    loose = [claim for claim, is_held in zip(claims, checked.said, strict=True) if not is_held]
    reason = f"not supported: {loose[0][:200]!r}" if loose else ""
    details = {"claims": len(claims), "loose": loose[:SHOWN]}
    return Score(1 - len(loose) / len(claims), reason, usage=usage, details=details)


def _listing(sample: Sample, answer: str) -> Sample:
    return messages(LIST, [("question", sample.question), ("answer", answer)])


def _checking(rubric: str, sample: Sample, claims: Sequence[str]) -> Sample:
    numbered = [(f"claim {number}", claim) for number, claim in enumerate(claims, 1)]
    return messages(f"{rubric}\n\n{CHECK}".strip(), [*context(sample, expected=False), *numbered])


def _read_claims(text: str) -> list[str]:
    found = _held(text)
    texts = [one for one in found if isinstance(one, str)]
    if len(texts) < len(found):
        raise Unread("a claim is no text")
    return [one.strip()[:LONGEST] for one in texts if one.strip()][:MOST]


def _read_support(text: str, count: int) -> list[bool]:
    """Of each claim, in order."""
    said: dict[int, bool] = {}
    for one in _held(text):
        number = one.get("claim") if isinstance(one, dict) else None
        if not isinstance(number, int) or number in said:
            raise Unread("a claim is there twice, or has no number")
        said[number] = _yes(one.get("supported"))
    if set(said) != set(range(1, count + 1)):
        raise Unread(f"there are {count} claims, and the judge did not speak of each of them once")
    return [said[number] for number in range(1, count + 1)]


def _yes(value: object) -> bool:
    word = str(value).lower()
    if re.fullmatch(r"yes|no|true|false", word) is None:
        raise Unread("of a claim the judge said neither yes nor no")
    return word in ("yes", "true")


def _held(text: str) -> list[Any]:
    try:
        found = orjson.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError as error:
        raise Unread("the judge gave no JSON object") from error
    claims = found.get("claims")
    if not isinstance(claims, list):
        raise Unread("the judge's object has no list of claims")
    return claims
