"""What stands in the place of what is redacted: labels; hashes, which nobody can undo; or placeholders, for which the
values are given back in an answer."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace

from guardrails.passage import Passage
from guardrails.redact import cut, mask, merged
from guardrails.verdict import Span, Verdict

LONGEST_LABEL = 40
PLACEHOLDER = re.compile(rf"\[[A-Z][A-Z0-9_]{{0,{LONGEST_LABEL - 1}}}_\d{{1,6}}\]")
"""Square brackets, since JSON writers of some servers escape the angled ones."""
GROWING = re.compile(rf"\[(?:[A-Z][A-Z0-9_]{{0,{LONGEST_LABEL + 6}}})?")
"""What may become a placeholder when more comes."""
UNFIT = re.compile(r"^[^A-Z]+|[^A-Z0-9]+")
MOST = 10_000
"""Values of one call that are kept; what comes after is masked, and stays so."""
HASHED = 10
"""Hex digits of a hash: 40 bits."""


class Vault:
    """The values of one call, in memory and nowhere else. The same value of the same label has the same placeholder, as
    `[EMAIL_1]`, and none that the call has of its own. `key` is that of hashes, which are the same for one key; without
    one they are the same within this call alone."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key
        self._placeholders: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._typed: set[str] = set()

    @property
    def given(self) -> bool:
        """Whether there is anything to give back."""
        return bool(self._values)

    def avoid(self, text: str) -> None:
        """Give out no placeholder that stands in a text of the call: it is not ours, and no value's."""
        self._typed.update(PLACEHOLDER.findall(text))

    def hide(self, text: str, spans: Sequence[Span]) -> str:
        """The text with each span replaced as it is to be."""
        self.avoid(text)
        return cut(text, 0, merged(spans), lambda span: self.put(span, text[span.start : span.end]))

    def put(self, span: Span, value: str) -> str:
        """What stands in the place of a span that has this value."""
        if span.by == "mask":
            return mask(span)
        if span.by == "hash":
            self._key = self._key or secrets.token_bytes(32)
            return hashed(span, value, self._key)
        return self._placeholder(span, value)

    def value(self, placeholder: str) -> str | None:
        """None where it was not given out."""
        return self._values.get(placeholder)

    def reveal(self, text: str) -> str:
        """The text with the values back; what only looks like a placeholder is left."""
        return PLACEHOLDER.sub(lambda found: self._values.get(found.group(), found.group()), text)

    def revealer(self, *, as_json: bool = False) -> Revealer:
        """For a text that comes in pieces; `as_json` where it is JSON, in which values stand as parts of strings."""
        return Revealer(self, as_json)

    def _placeholder(self, span: Span, value: str) -> str:
        known = self._placeholders.get((span.label, value))
        if known is not None:
            return known
        if len(self._values) >= MOST:
            return mask(span)
        label = UNFIT.sub("_", span.label.upper()).strip("_")[:LONGEST_LABEL] or "VALUE"
        while True:
            self._counts[label] = self._counts.get(label, 0) + 1
            placeholder = f"[{label}_{self._counts[label]}]"
            if placeholder not in self._typed:
                break
        self._placeholders[span.label, value] = placeholder
        self._values[placeholder] = value
        return placeholder


class Revealer:
    """The placeholders in a text that comes in pieces, as spans of the whole, in order. Which these are, and where a
    text must not be cut, does not depend on the pieces; nothing is kept but what may become a placeholder."""

    __slots__ = ("_as_json", "_growing", "_vault", "length", "spans")

    def __init__(self, vault: Vault, as_json: bool) -> None:
        self._vault, self._as_json = vault, as_json
        self._growing = ""
        self.length = 0
        self.spans: list[Span] = []

    @property
    def settled(self) -> int:
        """What stands before becomes no placeholder, whatever comes."""
        return self.length - len(self._growing)

    def feed(self, piece: str) -> None:
        start, text = self.settled, self._growing + piece
        self.length += len(piece)
        if not self._vault.given:
            return
        for found in PLACEHOLDER.finditer(text):
            if self._vault.value(found.group()) is not None:
                self.spans.append(Span(start + found.start(), start + found.end(), found.group(), by="vault"))
        begun = text.rfind("[")
        self._growing = text[begun:] if begun >= 0 and GROWING.fullmatch(text, begun) else ""

    def end(self) -> None:
        self._growing = ""

    def before(self, place: int) -> int:
        """The place, or where the placeholder begins that it is inside of, or what may become one."""
        number = bisect_left(self.spans, place, key=lambda span: span.end)
        if number < len(self.spans) and self.spans[number].start < place < self.spans[number].end:
            return self.spans[number].start
        return min(place, self.settled) if self._growing else place

    def value(self, span: Span) -> str:
        """What stands in the place of one of the spans."""
        value = self._vault.value(span.label) or ""
        return json.dumps(value, ensure_ascii=False)[1:-1] if self._as_json else value

    def shown(self, piece: str, start: int) -> str:
        """A piece that begins at `start`, with the values back."""
        return cut(piece, start, self.spans, self.value)


def taken_out(passages: Sequence[Passage], verdicts: Iterable[Verdict], vault: Vault) -> tuple[Passage, ...]:
    """The passages without what verdicts on them say is to be redacted."""
    spans: dict[tuple[str, str], list[Span]] = {}
    for verdict in verdicts:
        if verdict.action == "redact":
            spans.setdefault((verdict.stage, verdict.source), []).extend(verdict.spans)
    if not spans:
        return tuple(passages)
    for passage in passages:
        vault.avoid(passage.text)
    here = [spans.get((passage.stage, passage.source), ()) for passage in passages]
    return tuple(
        replace(passage, text=vault.hide(passage.text, found)) if found else passage
        for passage, found in zip(passages, here, strict=True)
    )


def hashed(span: Span, value: str, key: bytes) -> str:
    """What stands in the place of a value that has to be told from others and not known: its label and a keyed hash
    (HMAC-SHA-256), the same for the same value under one key."""
    digest = hmac.digest(key, f"{span.label}\0{value}".encode(errors="replace"), "sha256").hex()[:HASHED]
    return f"[{mask(span)[1:-1]}:{digest}]"
