"""Following a text while it grows: how much of it is judged, and may be seen.

What comes out does not depend on where the pieces were cut. Rules say how far a text is settled (`Finder.settled`), and
models judge it by segments that the text alone decides. Only the tail is kept: nothing is buffered whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from guardrails.guard import Finder
from guardrails.passage import Surroundings
from guardrails.verdict import Span

LONGEST_SEGMENT = 400
"""Characters that models judge at once; a sentence that is longer is cut at a space."""
SHORTEST_SEGMENT = 24
"""Characters; a sentence that is shorter is judged with the next."""
UNREAD = 32
"""Characters of a word that goes on, and can settle hardly anything, until rules look at it all the same."""
ENDS = re.compile(r"[.!?…][\"')\]”’]?\s|[。！？]|\n")  # noqa: RUF001 - how sentences end elsewhere


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found: the span in characters of the whole text, and what stands there."""

    finder: Finder
    span: Span
    text: str


class Follower:
    """One text, and the rules that follow it. Positions are characters of the whole text, from 0."""

    __slots__ = ("_around", "_finders", "_reach", "_tail", "_tail_start", "_unread", "settled")

    def __init__(self, finders: Sequence[Finder], around: Surroundings) -> None:
        self._finders = finders
        self._around = around
        self._reach = max((finder.reach for finder in finders), default=0)
        self._tail = ""
        """What is not settled, and of what is as much as can decide about it."""
        self._tail_start = 0
        self._unread = 0
        self.settled = 0
        """What stands before was judged by every rule, and nothing that comes changes that."""

    def feed(self, piece: str) -> tuple[str, list[Found]]:
        """Go on with a piece. Gives what is settled by it, and what was found there, in order."""
        self._tail += piece
        self._unread += len(piece)
        if self._finders and self._unread < UNREAD and piece.isascii() and piece.isalnum():
            return "", []
        self._unread = 0
        upto = len(self._tail)
        for finder in self._finders:
            cut = self._context(finder)
            known = self.settled - self._tail_start - cut
            upto = min(upto, cut + finder.settled_after(self._tail[cut:], known))
        return self._settle(upto)

    def end(self) -> tuple[str, list[Found]]:
        """The text is over: all of it is settled."""
        return self._settle(len(self._tail))

    def _settle(self, upto: int) -> tuple[str, list[Found]]:
        """`upto` counts from the beginning of the tail."""
        before, offset = self.settled, self._tail_start
        if offset + upto <= before:
            return "", []
        found = []
        for finder in self._finders:
            cut = self._context(finder)
            for span in finder.spans_after(self._tail[cut:], before - offset - cut, self._around):
                start, end = max(span.start + cut + offset, before), span.end + cut + offset
                if start < min(end, offset + upto):  # one longer than the reach is told piece by piece
                    moved = Span(start, end, span.label, span.score)
                    found.append(Found(finder, moved, self._tail[start - offset : end - offset]))
        self.settled = max([offset + upto, *(one.span.end for one in found)])
        text = self._tail[before - offset : self.settled - offset]
        self._forget()
        return text, sorted(found, key=lambda one: (one.span.start, one.span.end))

    def _context(self, finder: Finder) -> int:
        """Where in the tail begins what this rule has to see."""
        return max(0, self.settled - self._tail_start - finder.reach)

    def _forget(self) -> None:
        spare = self.settled - self._reach - self._tail_start
        if spare > 0:
            self._tail = self._tail[spare:]
            self._tail_start += spare


class Segments:
    """The parts of a growing text that models judge, each with its place; they lie side by side."""

    __slots__ = ("_start", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._start = 0

    def feed(self, piece: str) -> list[tuple[int, str]]:
        """Those that are whole now: start, and text."""
        self._text += piece
        out = []
        while (length := _segment(self._text)) is not None:
            out.append((self._start, self._text[:length]))
            self._text = self._text[length:]
            self._start += length
        return out

    def end(self) -> list[tuple[int, str]]:
        """What is left, where there is something."""
        left, self._text = self._text, ""
        return [(self._start, left)] if left else []


def _segment(text: str) -> int | None:
    """The length of the first segment, None where it is not over yet."""
    found = ENDS.search(text, SHORTEST_SEGMENT, LONGEST_SEGMENT)
    if found is not None:
        return found.end()
    if len(text) < LONGEST_SEGMENT:
        return None
    space = text.rfind(" ", SHORTEST_SEGMENT, LONGEST_SEGMENT)
    return space + 1 if space > 0 else LONGEST_SEGMENT
