"""Regular expressions over texts that nobody vouches for: RE2, whose time is proportional to the text, whatever the
pattern. It has neither look-around nor references back (https://github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import re2

SURROGATES = {code: "\ufffd" for code in range(0xD800, 0xE000)}
"""Halves of characters, which JSON can bring and UTF-8 cannot hold. What replaces one is one character too."""

_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"\S+")
"""One repeat over one class, which the standard library matches in linear time, and faster than RE2 can be asked."""


class Match:
    """What a pattern matched; positions are characters, -1 where a group took no part."""

    __slots__ = ("_found", "_text")

    def __init__(self, text: str, found: Any) -> None:
        self._text, self._found = text, found

    def group(self, group: int = 0) -> str:
        """Nothing where the group took no part."""
        start, end = self._found.span(group)
        return self._text[start:end] if start >= 0 else ""

    def groups(self) -> tuple[str, ...]:
        return tuple(self.group(number + 1) for number in range(len(self._found.groups())))

    def start(self, group: int = 0) -> int:
        return int(self._found.start(group))

    def end(self, group: int = 0) -> int:
        return int(self._found.end(group))

    def span(self, group: int = 0) -> tuple[int, int]:
        start, end = self._found.span(group)
        return start, end


class Pattern:
    """A pattern, compiled. Raises `ValueError` with RE2's words for one that it cannot read."""

    __slots__ = ("_of_bytes", "_of_text")

    def __init__(self, source: str, *, ignore_case: bool = False) -> None:
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not ignore_case
        try:
            self._of_text = re2.compile(source, options=options)
            self._of_bytes = re2.compile(source.encode(), options=options)
        except re2.error as error:
            said = error.args[0] if error.args else error
            raise ValueError(said.decode(errors="replace") if isinstance(said, bytes) else str(said)) from error

    def finditer(self, text: str, start: int = 0) -> Iterator[Match]:
        """Matches from left to right, none reaching into another, from `start` on; what stands before decides about
        `^` and `\\b` only."""
        engine, given = self._engine(text)
        for found in engine.finditer(given, start):
            yield Match(text, found)

    def search(self, text: str, start: int = 0) -> Match | None:
        """The first match that begins at `start` or after it."""
        return next(self.finditer(text, start), None)

    def within(self, text: str, start: int, end: int) -> Match | None:
        """The match that begins at `start` and ends by `end`; what stands around decides about `^`, `$`, `\\b` only."""
        engine, given = self._engine(text)
        return _match(text, engine.match(given, start, end))

    def match(self, text: str) -> Match | None:
        """The match that begins where the text begins."""
        engine, given = self._engine(text)
        return _match(text, engine.match(given))

    def fullmatch(self, text: str) -> Match | None:
        engine, given = self._engine(text)
        return _match(text, engine.fullmatch(given))

    def _engine(self, text: str) -> tuple[Any, str | bytes]:
        """Of ASCII characters each is a byte, and places need not be counted over."""
        given = _encodable(text)
        return (self._of_bytes, given.encode()) if given.isascii() else (self._of_text, given)


def _match(text: str, found: Any) -> Match | None:
    return None if found is None else Match(text, found)


def words(text: str) -> Iterator[re.Match[str]]:
    """Runs of letters and digits."""
    return _WORD.finditer(text)


def tokens(text: str) -> Iterator[re.Match[str]]:
    """Runs of what is no space."""
    return _TOKEN.finditer(text)


def any_of(*words: str) -> str:
    """The source of a pattern for any of these texts, the longest first."""
    return "(?:" + "|".join(re2.escape(word) for word in sorted(set(words), key=lambda one: (-len(one), one))) + ")"


def _encodable(text: str) -> str:
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(SURROGATES)
    return text
