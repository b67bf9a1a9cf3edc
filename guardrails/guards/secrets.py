"""Credentials in a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from guardrails.credentials import checks, labelled
from guardrails.credentials.checks import LONGEST
from guardrails.credentials.formats import FORMATS, Format
from guardrails.guard import Finder
from guardrails.linear import Pattern, any_of
from guardrails.passage import STAGES, Stage, Surroundings
from guardrails.verdict import Span

BEGINS = Pattern(any_of(*(begin for form in FORMATS for begin in form.begins)))
BY_BEGIN: Mapping[str, tuple[Format, ...]] = {
    begin: tuple(form for form in FORMATS if any(begin.startswith(one) for one in form.begins))
    for begin in {one for form in FORMATS for one in form.begins}
}
SCHEME = Pattern(r"[A-Za-z][A-Za-z0-9+.-]{1,20}$")
PASSWORD = Pattern(
    rf"://[^/?#@:{labelled.DELIMITERS}]{{0,100}}:[^/@{labelled.DELIMITERS}]{{1,250}}@[^{labelled.DELIMITERS}]+"
)
LONGEST_AUTHORITY = 400
"""Characters in which the name and the password of a URL stand."""
AUTHORITY = Pattern(rf"://[^/?#{labelled.DELIMITERS}]*")
BEGIN_KEY = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
END_KEY = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
LINE_END = r"[ \t]*(?:\r?\n|\\r\\n|\\n)[ \t]*"
PEM = Pattern(
    rf"{BEGIN_KEY}(?:{LINE_END}(?:[A-Za-z-]{{3,20}}: [^\n\\]{{0,80}}|[A-Za-z0-9+/=]{{0,100}}))*"
    rf"(?:{LINE_END})?({END_KEY})?"
)
UNFINISHED = 160
"""Characters after what is there of a key in which its last line may be growing."""
LEAST_OF_KEY = 64
"""Characters of a private key block beside its first and last line; less is an example."""
WORD = 40
"""Characters at the end in which the beginning of a credential may be growing."""
JOINED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")


class Secrets(Finder):
    """Credentials by the formats in which they are issued, with their check sums and structure where they have such;
    private keys; URLs with a password; and, by what stands before them, other texts that look like made by chance.
    Hashes, UUIDs, public keys, placeholders and the keys of documentation are none.

    `known_only` leaves out what only its label and its looks give away."""

    about: ClassVar[str] = "Credentials: known formats with their check sums, private keys, passwords by their label"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    reach: ClassVar[int] = LONGEST
    guard: Literal["secrets"] = "secrets"
    known_only: bool = Field(False, description="Leave out what only its label and its looks give away.")

    def spans(self, text: str, around: Surroundings) -> list[Span]:
        found = [*_issued(text), *_urls(text), *_keys(text)]
        if not self.known_only:
            found += [Span(start, end, "secret", sure) for start, end, sure in labelled.labelled(text)]
        return _apart(found)

    def settled(self, text: str) -> int:
        word = labelled.last_word(text, len(text) - LONGEST)
        recent = text[word:]
        starts = [max(word, len(text) - WORD)]
        starts += [
            word + found.start() for found in BEGINS.finditer(recent) if _stands_free(text, word + found.start())
        ]
        starts += [word + start for start in _growing_urls(recent)]
        starts += labelled.growing(text, word)
        starts += _growing_keys(text)
        return max(min(starts), len(text) - LONGEST, 0)


def _issued(text: str) -> Iterator[Span]:
    end = 0
    for begin in BEGINS.finditer(text):
        start = begin.start()
        if start >= end and _stands_free(text, start):
            for form in BY_BEGIN[begin.group()]:
                window = text[start : start + form.longest]
                found = form.pattern.match(window)
                if found is None or window[found.end() : found.end() + 1] in JOINED:
                    continue
                sure = form.check(found.group())
                if sure:
                    end = start + found.end()
                    yield Span(start, end, form.label, sure)
                break


def _stands_free(text: str, start: int) -> bool:
    """Whether no word goes on there; an escaped end of a line is none."""
    return (
        text[start - 1 : start] not in JOINED or start == 0 or text[max(start - 2, 0) : start] in ("\\n", "\\r", "\\t")
    )


def _urls(text: str) -> Iterator[Span]:
    end = 0
    for start, at in _schemes(text):
        signed = start >= end and text.find("@", at, at + LONGEST_AUTHORITY) >= 0
        found = PASSWORD.match(text[at : start + LONGEST]) if signed else None
        if found is not None:
            said = text[start : at + found.end()].rstrip(".;:!?")
            sure = checks.url(said)
            if sure:
                end = start + len(said)
                yield Span(start, end, "url with password", sure)


def _growing_urls(text: str) -> Iterator[int]:
    """URLs that may still come to have a password, or have one and go on."""
    for start, at in _schemes(text):
        found = AUTHORITY.match(text[at:])
        if found is not None and (at + found.end() == len(text) or "@" in found.group()):
            yield start


def _schemes(text: str) -> Iterator[tuple[int, int]]:
    """Where each URL begins, and where its scheme ends."""
    at = text.find("://")
    while at >= 0:
        before = text[max(at - 21, 0) : at]
        found = SCHEME.search(before)
        if found is not None:
            yield at - len(before) + found.start(), at
        at = text.find("://", at + 1)


def _keys(text: str) -> Iterator[Span]:
    start = text.find("-----BEGIN ")
    while start >= 0:
        found = PEM.match(text[start : start + LONGEST])
        if found is not None and found.end() >= LEAST_OF_KEY + 2 * len("-----BEGIN PRIVATE KEY-----"):
            yield Span(start, start + found.end(), "private key", checks.KNOWN)
        start = text.find("-----BEGIN ", start + (found.end() if found else 1))


def _growing_keys(text: str) -> Iterator[int]:
    start = text.find("-----BEGIN ", max(len(text) - LONGEST, 0))
    while start >= 0:
        found = PEM.match(text[start:])
        if found is None:
            if len(text) - start < UNFINISHED and text.find("-----", start + 11) < 0:
                yield start
        elif not found.group(1) and len(text) - start - found.end() < UNFINISHED:
            yield start
        start = text.find("-----BEGIN ", start + 1)


def _apart(spans: list[Span]) -> list[Span]:
    """In order; of one that reaches into one before only what is beyond that. Where two begin at one place, the one
    whose format is known counts: it stands first in the list."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        start = max(span.start, out[-1].end if out else 0)
        if start < span.end:
            out.append(replace(span, start=start))
    return out
