"""Regular expressions over texts that nobody vouches for: RE2, whose time is proportional to the text, whatever the
pattern. It has neither look-around nor references back (https://github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol, overload

import re2

SURROGATES = {code: "\ufffd" for code in range(0xD800, 0xE000)}
"""Halves of characters, which JSON can bring and UTF-8 cannot hold. What replaces one is one character too."""

_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"\S+")
"""One repeat over one class, which the standard library matches in linear time, and faster than RE2 can be asked."""


class Match(Protocol):
    """What a pattern matched; positions are characters, -1 where a group took no part."""

    @overload
    def group(self) -> str: ...
    @overload
    def group(self, group: int | str, /) -> str | None: ...
    def groups(self) -> tuple[str | None, ...]: ...
    def start(self, group: int = 0) -> int: ...
    def end(self, group: int = 0) -> int: ...
    def span(self, group: int = 0) -> tuple[int, int]: ...


class Pattern:
    """A pattern, compiled. Raises `ValueError` with RE2's words for one that it cannot read."""

    __slots__ = ("_compiled",)

    def __init__(self, source: str, *, ignore_case: bool = False) -> None:
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not ignore_case
        try:
            self._compiled = re2.compile(source, options=options)
        except re2.error as error:
            said = error.args[0] if error.args else error
            raise ValueError(said.decode(errors="replace") if isinstance(said, bytes) else str(said)) from error

    def finditer(self, text: str) -> Iterator[Match]:
        """Matches from left to right, none reaching into another."""
        found: Iterator[Match] = self._compiled.finditer(_encodable(text))
        return found

    def search(self, text: str, start: int = 0) -> Match | None:
        """The first match that begins at `start` or after it; what stands before decides about `^` and `\\b` only."""
        found: Match | None = self._compiled.search(_encodable(text), start)
        return found

    def within(self, text: str, start: int, end: int) -> Match | None:
        """The match that begins at `start` and ends by `end`; what stands around decides about `^`, `$`, `\\b` only."""
        found: Match | None = self._compiled.match(_encodable(text), start, end)
        return found

    def match(self, text: str) -> Match | None:
        """The match that begins where the text begins."""
        found: Match | None = self._compiled.match(_encodable(text))
        return found

    def fullmatch(self, text: str) -> Match | None:
        found: Match | None = self._compiled.fullmatch(_encodable(text))
        return found


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
