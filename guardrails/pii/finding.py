"""Patterns and tagger together. A word that a pattern took is none of the tagger's.

Of a text that grows only what may have changed is looked at: what ends before `since` is known, and decides nothing
about what comes after, beyond a run of words that goes on there and a number whose groups do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from guardrails.pii import recognisers, tagger
from guardrails.pii.tagger import NOTHING, WINDOW, Tag, Tagger
from guardrails.pii.words import Word, words
from guardrails.verdict import Span

REACH = recognisers.REACH + tagger.LONGEST + 2 * tagger.NEAR

CLOSE = 48
"""Characters before a place that mostly are enough to know what goes on there."""


@cache
def shipped() -> Tagger:
    """The one that is in the package, read once. Raises `Missing`."""
    return Tagger()


def found(text: str, since: int = 0) -> list[Span]:
    """Those that end after `since`, in order, none reaching into another."""
    there, first = _run(text, since)
    by_pattern, tags = _tagged(text, there, first, len(there), since)
    by_tag = (span for span in tagger.runs(text, there[first:], tags) if _plausible(text, span))
    return [one for one in _disjoint(recognisers.outermost([*by_pattern, *by_tag])) if one.end > since]


def settled(text: str, since: int = 0) -> int:
    """How many characters of an unfinished text nothing begins in that may still change; what stands before `since` is
    known to be settled."""
    upto = recognisers.settled(text)
    known = max(since, len(text) - REACH)
    there = words(text, _space(text, known))
    open_at = _undecided(there, _at(there, known), len(text), upto)
    if open_at == len(there):
        return upto
    start = _begun(text, there[open_at].start)
    return min(upto, start if there[open_at].start - start <= tagger.LONGEST else there[open_at].start)


def _space(text: str, place: int) -> int:
    """After the last space before a place, or the beginning: no word reaches over it."""
    start = max(0, place)
    while start and not text[start - 1].isspace():
        start -= 1
    return start


def _at(there: Sequence[Word], since: int) -> int:
    """The first word that ends after a place."""
    return bisect_right(there, since, key=lambda word: word.end)


def _run(text: str, since: int) -> tuple[list[Word], int]:
    """Words, and which of them is the first that counts for runs which end after a place. Mostly it is close to it; the
    word before, whose tag says so, is there, with all that are read with it."""
    for back in (CLOSE, 4 * tagger.LONGEST):
        there = words(text, _space(text, since - back))
        first = _first(there, since)
        if first > WINDOW:
            return there, first
    there = words(text)
    return there, _first(there, since)


def _first(there: Sequence[Word], since: int) -> int:
    """A word that is further back than a run is long, or is nothing, counts for none."""
    first = at = _at(there, since)
    if at == len(there):
        return at
    while first and there[at].start - there[first].start <= tagger.LONGEST:
        if not shipped().tags(there, first - 1, first)[0].label:
            break
        first -= 1
    return first


def _begun(text: str, place: int) -> int:
    """Where the run begins that ends before the word at a place; that place where none does."""
    there, first = _run(text, place)
    at = _at(there, place)
    if first == at:
        return place
    _, tags = _tagged(text, there, first, at, there[first].start)
    begun = len(tags) - 1
    if not tags[begun].label:
        return place
    while begun and tagger.goes_on(text, there[first:], tags, begun):
        begun -= 1
    return there[first + begun].start


def _tagged(text: str, there: Sequence[Word], first: int, last: int, since: int) -> tuple[list[Span], list[Tag]]:
    """Finds of patterns, all that end after `since` or have one of these words in them; and the tags of the words that
    are in none."""
    start = min(since, there[first].start) if first < last else since
    by_pattern = recognisers.found(text, recognisers.apart_from(text, start))
    return by_pattern, _left(there[first:last], shipped().tags(there, first, last), by_pattern)


def _disjoint(spans: Sequence[Span]) -> list[Span]:
    """Of two that overlap the second begins where the first ends. They are in order, none inside another."""
    begun = [0, *(span.end for span in spans)]
    return [replace(span, start=max(span.start, end)) for span, end in zip(spans, begun, strict=False)]


def _plausible(text: str, span: Span) -> bool:
    """Whether the value can be what the tagger takes it for: a telephone number has digits enough, and a date more than
    a day."""
    digits = sum(one.isdigit() for one in text[span.start : span.end])
    if span.label == "PHONE":
        return digits >= 5
    return span.label != "DATE" or digits >= 4 or any(one.isalpha() for one in text[span.start : span.end])


def _undecided(there: Sequence[Word], first: int, length: int, upto: int) -> int:
    """The first word, of these, whose label may change when the text goes on."""
    for number in range(first, len(there)):
        word, later = there[number], number + WINDOW
        seen = later < len(there) - 1 or length > word.end + tagger.NEAR
        if not seen or word.start >= upto:
            return number
    return len(there)


def _left(there: Sequence[Word], tags: Sequence[Tag], spans: Sequence[Span]) -> list[Tag]:
    """The tags, without those of words that begin in a span. The spans are in order."""
    out, at = [], 0
    for word, tag in zip(there, tags, strict=True):
        while at < len(spans) and spans[at].end <= word.start:
            at += 1
        out.append(NOTHING if at < len(spans) and spans[at].start <= word.start else tag)
    return out
