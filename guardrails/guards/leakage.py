"""Whether a text gives away the system prompt."""

from __future__ import annotations

import base64
import codecs
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

from pydantic import Field

from guardrails.canonical.confusables import LATIN
from guardrails.guard import Finder
from guardrails.linear import Pattern
from guardrails.passage import Stage, Surroundings
from guardrails.verdict import Span

REACH = 1024
WORD = 40
"""Characters of a word that are held back."""
EXTENT = REACH - 2 * WORD
"""Characters in which what counts as a leak has to stand."""
SHORTEST_CANARY = 8
"""Letters and digits; a shorter one would be found by chance."""
MOST_OF_A_PROMPT = 50_000
"""Characters of a system prompt that are looked for."""
PROMPT, CANARY = "system prompt", "canary"
"""What a find is called."""
FEWEST_OF_BASE64 = 24
FEWEST_OF_HEX = 48
BASE64 = Pattern(rf"[A-Za-z0-9+/_-]{{{FEWEST_OF_BASE64},}}")
HEX = Pattern(rf"[0-9A-Fa-f]{{{FEWEST_OF_HEX},}}")
ALIKE = str.maketrans("0134578l", "oieastbi")
"""Digits as the letters that leet has for them, and the two letters that it has one digit for as one."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What may not be said, folded, as it is, backwards and in rot13: all parts of `size` letters, and canaries.
    `letters` in a row are a leak."""

    parts: frozenset[str]
    size: int
    letters: int
    canaries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Letters of a text, and for the number of a letter the place of the text where it is known."""

    letters: str
    place: Callable[[int], int]


class Leakage(Finder):
    """Found is each word by which `letters` letters and digits in a row are the system prompt's, and each that ends a
    canary. Spaces, signs, case, accents and look-alikes do not count, so that neither spelling it out nor breaking it
    up hides it; it is known backwards, in rot13, in base64 and in hex too.

    A canary is a text that stands in the system prompt for no other reason than to be found: with `canary` the gateway
    puts one there, a program names its own. What stands before the deciding word is shorter than what counts as a leak,
    and is let through. Without a system prompt and canaries it says *not run*."""

    about: ClassVar[str] = "Parts of the system prompt in an answer, word for word or in disguise, and canaries"
    stages: ClassVar[tuple[Stage, ...]] = ("output", "tool_calls")
    reach: ClassVar[int] = REACH
    guard: Literal["leakage"] = "leakage"
    letters: int = Field(60, ge=20, le=300, description="Letters and digits in a row that are no chance.")
    canary: bool = Field(False, description="Have the gateway put a canary at the end of the system prompt.")

    def idle(self, around: Surroundings) -> str | None:
        return None if around.system or around.canaries else "there is no system prompt and no canary"

    def spans(self, text: str, around: Surroundings) -> list[Span]:
        secrets = _secrets(around.system[:MOST_OF_A_PROMPT], around.canaries, self.letters)
        ends: dict[int, str] = {}
        if secrets.parts or secrets.canaries:
            for reading in _readings(text):
                ends |= dict.fromkeys(_decided(reading, secrets), PROMPT)
                ends |= dict.fromkeys(_sung(reading, secrets), CANARY)
        return [Span(start, end, label) for start, end, label in _words(text, ends)]

    def settled(self, text: str) -> int:
        return _word(text, len(text))


@lru_cache(64)
def _secrets(system: str, canaries: tuple[str, ...], letters: int) -> Secrets:
    size = letters // 2
    parts: set[str] = set()
    for said in _disguised(system):
        if len(said) >= letters:
            parts.update(said[at : at + size] for at in range(len(said) - size + 1))
    marks = {said for canary in canaries for said in _disguised(canary) if len(said) >= SHORTEST_CANARY}
    return Secrets(frozenset(parts), size, letters, tuple(sorted(marks)))


def _disguised(text: str) -> list[str]:
    """As it is read, its bytes as they are decoded one by one, and both from back to front and in rot13."""
    plain = [text] if text.isascii() else [text, text.encode(errors="replace").decode("latin-1")]
    said = [_folded(one) for one in (*plain, *(codecs.encode(one, "rot13") for one in plain))]
    return [*said, *(one[::-1] for one in said)]


def _table(text: str) -> dict[int, str]:
    """For each character of the text the letter or digit it counts as, or nothing."""
    return {ord(sign): _letter(sign) for sign in set(text)}


def _letter(sign: str) -> str:
    plain = unicodedata.normalize("NFKD", LATIN.get(ord(sign), sign)).lower()
    return next((one for one in plain if one.isalnum()), "").translate(ALIKE)[:1]


def _folded(text: str) -> str:
    return text.translate(_table(text))


def _reading(text: str, place: Callable[[int], int]) -> Reading:
    """`place` says where a character of the text is known."""
    table = _table(text)
    numbers: list[int] = []

    def of_letter(number: int) -> int:
        if not numbers:  # only asked where something is found
            numbers.extend(at for at, sign in enumerate(text) if table[ord(sign)])
        return place(numbers[number])

    return Reading(text.translate(table), of_letter)


def _readings(text: str) -> Iterator[Reading]:
    yield _reading(text, lambda number: number)
    for found in BASE64.finditer(text):
        for skipped in range(4):
            yield _of_base64(found.group()[skipped:], found.start() + skipped, found.start() + FEWEST_OF_BASE64 - 1)
    for found in HEX.finditer(text):
        for skipped in range(2):
            yield _of_hex(found.group()[skipped:], found.start() + skipped, found.start() + FEWEST_OF_HEX - 1)


def _of_base64(packed: str, start: int, least: int) -> Reading:
    """Six bits a sign, from `start` on; nothing of it is known before `least`."""
    whole = packed[:-1] if len(packed) % 4 == 1 else packed
    data = base64.b64decode(whole.translate(URL_SAFE) + "=" * (-len(whole) % 4)).decode("latin-1")
    return _reading(data, lambda number: max(start - 1 - (-8 * (number + 1) // 6), least))


def _of_hex(digits: str, start: int, least: int) -> Reading:
    data = bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("latin-1")
    return _reading(data, lambda number: max(start + 2 * number + 1, least))


URL_SAFE = str.maketrans("-_", "+/")


def _decided(reading: Reading, secrets: Secrets) -> Iterator[int]:
    """Places at which so much of it has been said that it is a leak."""
    letters, size = reading.letters, secrets.size
    wanted = secrets.letters - size + 1
    if any(letters[at : at + size] in secrets.parts for at in range(0, len(letters) - size + 1, size)):
        row = 0
        for at in range(len(letters) - size + 1):
            row = row + 1 if letters[at : at + size] in secrets.parts else 0
            if row >= wanted:
                yield from _near(reading, at + size - secrets.letters, at + size - 1)


def _sung(reading: Reading, secrets: Secrets) -> Iterator[int]:
    """Places at which a canary ends."""
    for canary in secrets.canaries:
        at = reading.letters.find(canary)
        while at >= 0:
            yield from _near(reading, at, at + len(canary) - 1)
            at = reading.letters.find(canary, at + 1)


def _near(reading: Reading, first: int, last: int) -> Iterator[int]:
    end = reading.place(last)
    if end - reading.place(first) < EXTENT:
        yield end


def _words(text: str, places: Mapping[int, str]) -> Iterator[tuple[int, int, str]]:
    """The words in which the places are, `WORD` characters of each at most, none reaching into another, by what the
    first place in them is."""
    reached = 0
    for place in sorted(places):
        if place >= reached:
            start = _word(text, place + 1)
            end = place + 1
            while end < min(len(text), start + WORD) and not text[end].isspace():
                end += 1
            yield max(start, reached), end, places[place]
            reached = end


def _word(text: str, end: int) -> int:
    """Where the word starts that goes on until `end`, or `WORD` characters of it do."""
    start = end
    while start > max(end - WORD, 0) and not text[start - 1].isspace():
        start -= 1
    return start
