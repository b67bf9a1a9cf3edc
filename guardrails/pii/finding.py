"""Patterns and tagger together. A word that a pattern took is none of the tagger's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from guardrails.pii import recognisers, tagger
from guardrails.pii.tagger import NOTHING, WINDOW, Tag, Tagger
from guardrails.pii.words import Word, words
from guardrails.verdict import Span

REACH = recognisers.REACH + tagger.LONGEST + 2 * tagger.NEAR


@cache
def shipped() -> Tagger:
    """The one that is in the package, read once. Raises `Missing`."""
    return Tagger()


def found(text: str) -> list[Span]:
    """In order, none reaching into another."""
    by_pattern = recognisers.found(text)
    there = words(text)
    tags = _left(there, shipped().tags(there), by_pattern)
    by_tag = (span for span in tagger.runs(text, there, tags) if _plausible(text, span))
    return _disjoint(recognisers.outermost([*by_pattern, *by_tag]))


def settled(text: str) -> int:
    """How many characters of an unfinished text nothing begins in that may still change."""
    upto = recognisers.settled(text)
    tail_start = max(0, len(text) - REACH)
    tail = text[tail_start:]
    there = words(tail)
    open_at = _undecided(there, len(tail), upto - tail_start)
    if open_at == len(there):
        return upto
    begun = _begun(tail, there, open_at)
    start = there[begun].start
    if there[open_at].start - start > tagger.LONGEST:
        start = there[open_at].start
    return min(upto, tail_start + start)


def _begun(text: str, there: Sequence[Word], open_at: int) -> int:
    """The first word of the run that ends before a word; that word where none does."""
    if not open_at:
        return 0
    by_pattern = recognisers.found(text)
    few = there[max(0, open_at - 1 - WINDOW) : open_at + WINDOW]
    if not _left(few, shipped().tags(few), by_pattern)[min(WINDOW, open_at - 1)].label:
        return open_at
    part = there[: open_at + WINDOW]
    tags = _left(part, shipped().tags(part), by_pattern)
    begun = open_at - 1
    while begun and tagger.goes_on(text, there, tags, begun):
        begun -= 1
    return begun


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


def _undecided(there: Sequence[Word], length: int, upto: int) -> int:
    """The first word whose label may change when the text goes on."""
    for number, word in enumerate(there):
        later = number + WINDOW
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
