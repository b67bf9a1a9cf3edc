# ruff: noqa: RUF001 - quotation marks and digits of many scripts
"""What of a sentence can be checked to the letter: numbers, dates, names, quotations, and whether a context has them.

A literal that no text of the context has was made up, miscounted or misremembered; that it has it says little.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal as OneOf

from guardrails.grounding.sentences import ABBREVIATIONS
from guardrails.grounding.terms import terms
from guardrails.linear import Pattern, any_of

Kind = OneOf["number", "date", "name", "quote"]

MONTHS = {
    name: at + 1
    for at, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|october oct"
        "|november nov|december dec".split("|")
    )
    for name in names.split()
}
_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
WORDS = {word: float(at) for at, word in enumerate((_UNITS + " seventeen eighteen nineteen twenty").split())} | {
    "thirty": 30.0,
    "forty": 40.0,
    "fifty": 50.0,
    "sixty": 60.0,
    "seventy": 70.0,
    "eighty": 80.0,
    "ninety": 90.0,
    "first": 1.0,
    "second": 2.0,
    "third": 3.0,
    "fourth": 4.0,
    "fifth": 5.0,
    "once": 1.0,
    "twice": 2.0,
    "both": 2.0,
    "single": 1.0,
    "dozen": 12.0,
    "half": 0.5,
}
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "bn": 1e9, "m": 1e6, "k": 1e3}
_NUMBER = Pattern(
    rf"(\p{{Nd}}+(?:[.,\x{{202f}}\x{{a0}} ]\p{{Nd}}{{3}})*(?:[.,]\p{{Nd}}+)?)(?:[ -]?({any_of(*SCALES)})\b)?"
)
_WORD_NUMBER = Pattern(rf"\b({any_of(*WORDS)})\b(?:[ -]({any_of(*SCALES)})\b)?", ignore_case=True)
_MONTH = any_of(*MONTHS)
_DATE = Pattern(
    rf"\b(\d{{4}})-(\d{{2}})-(\d{{2}})\b"
    rf"|\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({_MONTH})\b\.?(?:,? (\d{{4}})\b)?"
    rf"|\b({_MONTH})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (\d{{4}})\b)?"
    rf"|\b({_MONTH})\b\.?,? (\d{{4}})\b",
    ignore_case=True,
)
_NAME = Pattern(r"\p{Lu}[\p{L}\p{M}\p{N}’'.-]*(?:[ ]\p{Lu}[\p{L}\p{M}\p{N}’'.-]*){0,5}")
_QUOTE = Pattern(r"[\"“«„「『]([^\"“”«»„「」『』\n]{8,300})[\"”»“」』]")
_NAME_WORD = Pattern(r"[\p{L}\p{M}\p{N}]+")
_LETTERS = re.compile(r"[^\W_]+")
ROUNDED = 1e-9


@dataclass(frozen=True, slots=True)
class Literal:
    """Characters `start` to `end` of a sentence."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True)
class Known:
    """What a context has to the letter."""

    numbers: frozenset[float]
    dates: frozenset[tuple[int, int, int]]
    """Year, month and day; 0 where it does not say."""
    terms: frozenset[str]
    letters: str
    """Its words in lower case with a space between, for quotations."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Known:
        held = list(texts)
        return cls(
            frozenset(value for text in held for _, _, value in numbers(text)),
            frozenset(date for text in held for _, _, date in dates(text)),
            frozenset(term for text in held for term in terms(text)),
            f" {' '.join(_letters(text) for text in held)} ",
        )

    def has_number(self, value: float, text: str) -> bool:
        """Also where it was rounded to as many places as it is written with."""
        if value in self.numbers:
            return True
        places = len(text.rpartition(".")[2]) if "." in text else 0
        return any(other != int(other) and abs(round(other, places) - value) < ROUNDED for other in self.numbers)

    def has_date(self, date: tuple[int, int, int]) -> bool:
        return any(all(not said or said == held for said, held in zip(date, one, strict=True)) for one in self.dates)


def literals(sentence: str) -> list[Literal]:
    """In order; a number inside a date or a quotation is not one of its own."""
    found = [Literal(*match.span(), kind="quote") for match in _QUOTE.finditer(sentence) if _words(match.group()) > 2]
    found += [Literal(start, end, "date") for start, end, _ in dates(sentence)]
    found += [Literal(start, end, "number") for start, end, _ in numbers(sentence)]
    found += [Literal(start, end, "name") for start, end in names(sentence)]
    kept: list[Literal] = []
    for one in found:
        if not any(one.start < other.end and other.start < one.end for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def missing(sentence: str, known: Known) -> list[Literal]:
    """The literals of a sentence that the context does not have; of a name the words that it does not have."""
    found = []
    for one in literals(sentence):
        text = sentence[one.start : one.end]
        if one.kind == "name":
            found += [Literal(one.start + start, one.start + end, "name") for start, end in _unknown(text, known)]
        elif not _borne_out(text, one.kind, known):
            found.append(one)
    return found


def _borne_out(text: str, kind: Kind, known: Known) -> bool:
    if kind == "quote":
        return _letters(text) in known.letters
    if kind == "date":
        return all(known.has_date(date) for _, _, date in dates(text))
    return all(known.has_number(value, text) for _, _, value in numbers(text))


def _unknown(name: str, known: Known) -> list[tuple[int, int]]:
    """The runs of words of a name that the context does not have; titles and initials aside."""
    found: list[tuple[int, int]] = []
    for match in _NAME_WORD.finditer(name):
        word = match.group()
        if len(word) < 2 or word.lower() in ABBREVIATIONS or all(term in known.terms for term in terms(word)):
            continue
        if found and name[found[-1][1] : match.start()].isspace():
            found[-1] = (found[-1][0], match.end())
        else:
            found.append(match.span())
    return found


def numbers(text: str) -> list[tuple[int, int, float]]:
    """Start, end and value of each number in digits or in an English word; the digits of any script."""
    found = []
    for match in _NUMBER.finditer(text):
        value = _value(match.group(1) or "")
        if value is not None:
            found.append((match.start(), match.end(), value * SCALES.get(match.group(2) or "", 1.0)))
    for match in _WORD_NUMBER.finditer(text):
        word = (match.group(1) or "").lower()
        found.append((match.start(), match.end(), WORDS[word] * SCALES.get((match.group(2) or "").lower(), 1.0)))
    return found


def _value(digits: str) -> float | None:
    """Of `1,234.5`, `1.234,5`, `1 234` and `3.14`: a mark before three last digits is of thousands, unless a zero
    stands before it."""
    plain = "".join(str(unicodedata.digit(one)) if one.isdigit() and one not in ".," else one for one in digits)
    plain = plain.replace("\u202f", " ").replace("\u00a0", " ")
    head, _, tail = plain.replace(",", ".").replace(" ", ".").rpartition(".")
    decimal = bool(head) and (len(tail) != 3 or head == "0")
    whole = head.replace(".", "") if decimal else (head + tail).replace(".", "")
    if len(whole) > 15:
        return None
    return float(f"{whole}.{tail[:9]}") if decimal else float(whole)


def dates(text: str) -> list[tuple[int, int, tuple[int, int, int]]]:
    """Start, end and year, month and day of each date written as ISO 8601 has it or with an English month."""
    found = []
    for match in _DATE.finditer(text):
        part = [match.group(at) or "0" for at in range(12)]
        month = next((MONTHS[name.lower()] for name in (part[5], part[7], part[10]) if name != "0"), int(part[2]))
        year = max(int(part[at]) for at in (1, 6, 9, 11))
        day = max(int(part[at]) for at in (3, 4, 8))
        found.append((match.start(), match.end(), (year, month, day)))
    return found


def names(sentence: str) -> list[tuple[int, int]]:
    """Words with a capital that a sentence's beginning does not explain, taken together where they are neighbours."""
    found = []
    for match in _NAME.finditer(sentence):
        start, end = match.span()
        if start and (sentence[start - 1].isalnum() or unicodedata.combining(sentence[start - 1])):
            continue
        while end > start and sentence[end - 1] in ".'’-":
            end -= 1
        first = start == 0 or sentence[:start].rstrip().endswith((".", ":", "!", "?", '"', "“"))
        if first and " " not in sentence[start:end]:
            continue
        if first and terms(sentence[start:end].partition(" ")[0]) == []:
            start = sentence.index(" ", start) + 1  # an article
        if end - start > 1:
            found.append((start, end))
    return found


def _letters(text: str) -> str:
    return " ".join(_LETTERS.findall(text.lower()))


def _words(text: str) -> int:
    return len(_letters(text).split())
