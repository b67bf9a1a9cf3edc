"""What safety models say, by the format that each was trained to say it in: one reader each, and all of them strict.
What cannot be read is no judgement, whatever it may have meant."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from guardrails.errors import NotRun

Format = Literal["llama_guard", "granite_guardian", "yes_no", "json"]

LLAMA_GUARD: Mapping[str, str] = {
    "S1": "violent crimes",
    "S2": "non-violent crimes",
    "S3": "sex-related crimes",
    "S4": "child sexual exploitation",
    "S5": "defamation",
    "S6": "specialized advice",
    "S7": "privacy",
    "S8": "intellectual property",
    "S9": "indiscriminate weapons",
    "S10": "hate",
    "S11": "suicide and self-harm",
    "S12": "sexual content",
    "S13": "elections",
    "S14": "code interpreter abuse",
}
"""The categories of Llama Guard 3 and 4, which are those of MLCommons, and one more."""

CATEGORIES = re.compile(r"S\d{1,2}(?: ?, ?S\d{1,2}){0,30}\Z")
SCORE = re.compile(r"<score>\s{0,9}(yes|no)\s{0,9}</score>\Z", re.IGNORECASE)
CONFIDENCE = re.compile(r"(yes|no)(?:\s{1,9}<confidence>\s{0,9}(?:high|low)\s{0,9}</confidence>)?\Z", re.IGNORECASE)
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _./-]{0,63}\Z")


class Likely(msgspec.Struct, frozen=True):
    token: str
    logprob: float


class Token(msgspec.Struct, frozen=True):
    token: str
    top_logprobs: tuple[Likely, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` is from 0 to 1; `codes` are the categories, as the model writes them."""

    score: float
    codes: tuple[str, ...] = ()


def llama_guard(said: str, tokens: Sequence[Token]) -> Judgement:
    """`safe`, or `unsafe` and a line of categories. (Inan et al., 2023, "Llama Guard".)"""
    first, _, rest = said.strip().partition("\n")
    verdict, codes = first.strip(), rest.strip()
    if verdict not in ("safe", "unsafe") or (codes and (verdict == "safe" or not CATEGORIES.match(codes))):
        raise _unread()
    named = tuple(code.strip() for code in codes.split(",") if code)
    return Judgement(likely(tokens, "unsafe", "safe", verdict == "unsafe"), named)


def granite_guardian(said: str, tokens: Sequence[Token]) -> Judgement:
    """`Yes` or `No`, with a confidence in words or without; or, from 3.3 on, `<score> yes </score>`, which may stand
    behind what the model thought. (Padhi et al., 2024, "Granite Guardian".)"""
    answer = said.rpartition("</think>")[2].strip()
    found = SCORE.match(answer) or CONFIDENCE.match(answer)
    if found is None:
        raise _unread()
    thought = "</think>" in said  # then the first token that says yes or no may be one of its thoughts
    return Judgement(likely(() if thought else tokens, "yes", "no", found[1].lower() == "yes"))


def yes_no(said: str, tokens: Sequence[Token]) -> Judgement:
    """`Yes` or `No`; what is told of it may follow on a line below, or behind a mark. (Zeng et al., 2024,
    "ShieldGemma".)"""
    found = re.match(r"(yes|no)(?=[.,:;!\n]|\Z)", said.strip(), re.IGNORECASE)
    if found is None:
        raise _unread()
    return Judgement(likely(tokens, "yes", "no", found[1].lower() == "yes"))


class Said(msgspec.Struct, frozen=True):
    score: float | None = None
    violation: bool | int | None = None
    category: str | None = None
    policy_category: str | None = None
    categories: tuple[str, ...] = ()


def as_json(said: str, tokens: Sequence[Token]) -> Judgement:
    """One object with a `score` from 0 to 1, or with `violation` as true, false, 1 or 0; beside it `category` (or
    `policy_category`) or `categories`. gpt-oss-safeguard says what its policy tells it to: this."""
    try:
        told = msgspec.json.decode(said.strip(), type=Said)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _unread() from error
    score = told.score if told.score is not None else told.violation
    if score is None or not 0 <= score <= 1:
        raise _unread()
    named = (*told.categories, told.category, told.policy_category)
    codes = tuple(dict.fromkeys(code for code in named if code is not None and CODE.match(code)))
    return Judgement(float(score), codes if score else ())


READERS: Mapping[Format, Callable[[str, Sequence[Token]], Judgement]] = {
    "llama_guard": llama_guard,
    "granite_guardian": granite_guardian,
    "yes_no": yes_no,
    "json": as_json,
}


def likely(tokens: Sequence[Token], bad: str, good: str, said: bool) -> float:
    """How likely the bad word was where the first of the two stands: its share of the probability of both. Where
    nothing is told of that, 1 or 0 by what was `said`."""
    at = next((one for one in tokens if _word(one.token) in (bad, good)), None)
    if at is None or not at.top_logprobs:
        return float(said)
    mass = {word: sum(_mass(one) for one in at.top_logprobs if _word(one.token) == word) for word in (bad, good)}
    if not sum(mass.values()):
        return float(said)
    return mass[bad] / sum(mass.values())


def _word(token: str) -> str:
    return token.strip().lower()


def _mass(one: Likely) -> float:
    return math.exp(one.logprob) if one.logprob <= 0 else 0.0


def _unread() -> NotRun:
    return NotRun("the model answered in another format")
