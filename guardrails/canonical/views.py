"""The ways a text can be read: as it stands, and with what was folded, encoded or hidden in it undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from guardrails.canonical import comments, encodings, letters, markup, unicode
from guardrails.canonical.view import View

__all__ = ["View", "views"]

DEPTH = 4
"""How often a reading is read again."""
MOST = 64
"""Readings of one text."""
MOST_CHARACTERS = 2
"""Characters of all readings together, in lengths of the text; `ALWAYS` of them in any case."""
ALWAYS = 20_000
UNDOING: Mapping[str, Callable[[str], list[View]]] = {
    "tags": unicode.tags,
    "variation selectors": unicode.selectors,
    "invisible bits": unicode.bits,
    "direction": unicode.turned,
    "invisible": unicode.invisible,
    "style": unicode.styled,
    "look-alikes": unicode.confusable,
    "marks": unicode.stacked,
    "base64": encodings.base64s,
    "hex": encodings.hexes,
    "base32": encodings.base32s,
    "binary": encodings.binaries,
    "numbers": encodings.numbers,
    "percent": encodings.percents,
    "escapes": encodings.escapes,
    "hidden": markup.hidden,
    "attributes": markup.attributes,
    "code comment": comments.comments,
    "spacing": letters.spaced,
    "rot13": letters.rotated,
    "reversed": letters.backwards,
    "leet": letters.leet,
    "HTML": markup.shown,
    "Markdown": markup.emphasis,
}
"""What is undone, in this order: first what cannot have come by itself."""


def views(text: str) -> tuple[View, ...]:
    """The text as it stands, first, then every other reading that says something else.

    An encoding alone is no attack: a reading is there to be judged like any other text. Readings are read again, up to
    `DEPTH` times. There are `MOST` at most, those of few layers first, and of these the shortest, so that none can be
    crowded out by long ones; one that would go over `MOST_CHARACTERS` is left out. Takes time in proportion to the
    text, and raises nothing, whatever it holds."""
    out = [View(text, (), 0, len(text))]
    seen = {_same(text)}
    left = max(MOST_CHARACTERS * len(text), ALWAYS)
    at = 0
    while at < len(out) and len(out) < MOST:
        parent = out[at]
        at += 1
        if len(parent.how) >= DEPTH:
            break
        found = [_placed(one, parent) for undo in UNDOING.values() for one in undo(parent.text)]
        for child in sorted(found, key=lambda one: len(one.text)):
            same = _same(child.text)
            if same and same not in seen and len(child.text) <= left and len(out) < MOST:
                seen.add(same)
                left -= len(child.text)
                out.append(child)
    return tuple(out)


def _placed(found: View, parent: View) -> View:
    """In characters of the given text: what is found in a reading comes from where that came from."""
    if not parent.how:
        return found
    return View(found.text, parent.how + found.how, parent.start, parent.end)


def _same(text: str) -> str:
    return text.strip().casefold()
