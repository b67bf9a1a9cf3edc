"""What people say should be found: regular expressions, and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from guardrails.guard import Finder
from guardrails.linear import Pattern, any_of
from guardrails.passage import STAGES, Stage, Surroundings
from guardrails.verdict import Span

LONGEST = 1000
"""Characters of a find, whatever the options say."""
AT_ONCE = 1024
"""Characters that are searched at once."""
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_. -]{0,63}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


@dataclass(frozen=True)
class Rule:
    """`longest` is how long a find can be. `words` are what a rule of words looks for, in small letters, and
    `beginnings` all their beginnings."""

    label: str
    pattern: Pattern
    longest: int
    words: frozenset[str] = frozenset()
    beginnings: frozenset[str] = frozenset()


class Patterns(Finder):
    """`patterns` are regular expressions of RE2's kind by the label of what they find; `words` are found where they
    stand as words, whatever their case. A find is `longest` characters at most, and this much of a stream is held back
    for `patterns`; for `words` only what may be the beginning of one."""

    about: ClassVar[str] = "Regular expressions (RE2) and words of your own"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    reach: ClassVar[int] = LONGEST + 2
    guard: Literal["patterns"] = "patterns"
    patterns: Mapping[Label, str] = Field({}, max_length=200, description="Regular expressions by label.")
    words: tuple[Word, ...] = Field((), max_length=10_000, description="Words, or several in a row.")
    longest: int = Field(40, ge=1, le=LONGEST, description="The most characters that a find of `patterns` has.")
    ignore_case: bool = Field(True, description="Whether `patterns` find small letters for capitals, and the reverse.")

    @field_validator("patterns")
    @classmethod
    def _compile(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for label, source in value.items():
            try:
                Pattern(source)
            except ValueError as error:
                raise ValueError(f"{label} is no regular expression (of RE2's kind): {error}") from error
        return value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.patterns and not self.words:
            raise ValueError("write what is to be found: `patterns`, `words` or both")
        return self

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        made = [
            Rule(label, Pattern(source, ignore_case=self.ignore_case), self.longest)
            for label, source in self.patterns.items()
        ]
        if self.words:
            words = [_folded(word) for word in self.words]
            beginnings = frozenset(word[:length] for word in words for length in range(1, len(word) + 1))
            pattern = Pattern(rf"{any_of(*words)}(?:[^\pL\pN_]|\z)")
            made.append(Rule("word", pattern, max(map(len, words)), frozenset(words), beginnings))
        return tuple(made)

    def spans(self, text: str, around: Surroundings) -> list[Span]:
        found = []
        for rule in self.rules:
            finds = _words(rule, text) if rule.words else _finds(rule.pattern, text, rule.longest)
            found += [Span(start, end, rule.label) for start, end in finds]
        out: list[Span] = []
        for span in sorted(found, key=lambda one: (one.start, -one.end)):
            start = max(span.start, out[-1].end if out else 0)
            if start < span.end:
                out.append(replace(span, start=start))
        return out

    def settled(self, text: str) -> int:
        held = self.longest if self.patterns else 0
        for rule in self.rules:
            if rule.words:
                held = max(held, _growing(rule.beginnings, rule.longest, text))
        return max(len(text) - held, 0)


def _finds(pattern: Pattern, text: str, longest: int) -> Iterator[tuple[int, int]]:
    """Matches from left to right, none reaching into another. Whether one begins at a place is decided by no more of
    the text than a find may be long, and one character at either side."""
    at = 0
    while at < len(text):
        first = max(at - 1, 0)
        piece = text[first : at + AT_ONCE + longest + 1]
        found = pattern.search(piece, at - first)
        if found is None or first + found.start() >= at + AT_ONCE:
            at += AT_ONCE
            continue
        start = first + found.start()
        before = min(start, 1)
        whole = pattern.within(text[start - before : start + longest + 1], before, before + longest)
        at = start + 1
        if whole is not None and whole.end() > before:
            at = start - before + whole.end()
            yield start, at


def _words(rule: Rule, text: str) -> Iterator[tuple[int, int]]:
    plain = _folded(text)
    for start, end in _finds(rule.pattern, plain, rule.longest + 1):
        last = end if plain[start:end] in rule.words else end - 1
        if start == 0 or not (plain[start - 1].isalnum() or plain[start - 1] == "_"):
            yield start, last


def _growing(beginnings: frozenset[str], longest: int, text: str) -> int:
    """How many characters at the end may be a word, or the beginning of one."""
    plain = _folded(text[-longest - 1 :])
    return next((length for length in range(min(longest, len(plain)), 0, -1) if plain[-length:] in beginnings), 0)


def _folded(text: str) -> str:
    """In small letters, as long as it was."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(one.lower() if len(one.lower()) == 1 else one for one in text)
