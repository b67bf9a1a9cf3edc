"""Taking spans out of a text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

from guardrails.verdict import Span


def mask(span: Span) -> str:
    """What stands in the place of a span: its label, as `[EMAIL]`."""
    return f"[{span.label.upper().replace(' ', '_')}]"


def merged(spans: Iterable[Span]) -> list[Span]:
    """In order, none reaching into another: of spans that overlap the first, made as long as all of them, and masked
    where they are not redacted in the same way."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if out and span.start < out[-1].end:
            last = out[-1]
            by = last.by if span.by == last.by else "mask"
            out[-1] = Span(last.start, max(last.end, span.end), last.label, max(last.score, span.score), by)
        else:
            out.append(span)
    return out


def touching(spans: Sequence[Span], start: int, end: int) -> Sequence[Span]:
    """Those that have something of `start` to `end` in them. `spans` are merged."""
    first = bisect_right(spans, start, key=lambda span: span.end)
    return spans[first : bisect_left(spans, end, first, key=lambda span: span.start)]


def cut(text: str, start: int, spans: Sequence[Span], put: Callable[[Span], str] = mask) -> str:
    """What is to be seen of a piece of a longer text that begins at `start`: in the place of a span stands what `put`
    gives, where it begins, and what a piece holds of one that began before is left out. `spans` are merged, in
    characters of the longer text."""
    end = start + len(text)
    out, at = [], start
    for span in touching(spans, start, end):
        out.append(text[at - start : max(span.start, start) - start])
        if span.start >= start:
            out.append(put(span))
        at = min(span.end, end)
    out.append(text[at - start :])
    return "".join(out)
