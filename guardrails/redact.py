"""Taking spans out of a text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice

from guardrails.verdict import Span


def mask(span: Span) -> str:
    """What stands in the place of a span: its label, as `[EMAIL]`."""
    return f"[{span.label.upper().replace(' ', '_')}]"


def merged(spans: Iterable[Span]) -> list[Span]:
    """In order, none reaching into another: of spans that overlap the first, made as long as all of them."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if out and span.start < out[-1].end:
            last = out[-1]
            out[-1] = Span(last.start, max(last.end, span.end), last.label, max(last.score, span.score))
        else:
            out.append(span)
    return out


def redacted(text: str, spans: Sequence[Span]) -> str:
    """The text with each span replaced by its mask."""
    return cut(text, 0, merged(spans))


def cut(text: str, start: int, spans: Sequence[Span]) -> str:
    """What is to be seen of a piece of a longer text that begins at `start`: a span is replaced where it begins, and
    what a piece holds of one that began before is left out. `spans` are merged, in characters of the longer text."""
    end = start + len(text)
    out, at = [], start
    first = max(0, bisect_right(spans, start, key=lambda span: span.start) - 1)
    for span in islice(spans, first, None):
        if span.end <= at:
            continue
        if span.start >= end:
            break
        out.append(text[at - start : max(span.start, at) - start])
        if span.start >= start:
            out.append(mask(span))
        at = span.end
    out.append(text[min(at, end) - start :])
    return "".join(out)
