"""What a check for contamination finds, with what it was found by, for people to judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from evals.digest import sha256
from evals.evidence import Contamination

How = Literal["exact", "overlap", "near", "meaning"]
SHOWN = 20
"""Findings that evidence carries for people to see."""


class Span(msgspec.Struct, frozen=True):
    """Characters of a text as it was given: from `start` up to, without, `end`."""

    start: int
    end: int


class Finding(msgspec.Struct, frozen=True):
    """An item that looks like a text of a set. `place` is where in the set, and `text` the longest passage there that
    matched, 300 characters at most. `share`, above 0 and at most 1: for `overlap` how much of the item's words is
    covered, for `near` the Jaccard similarity, for `meaning` the cosine.

    `digest` names the two texts and how they were found alike, wherever they stand: 16 hex digits, by which a person
    clears the finding."""

    item: str
    set: str
    place: str
    how: How
    share: float
    in_item: tuple[Span, ...]
    in_set: tuple[Span, ...]
    text: str
    digest: str


class Findings(msgspec.Struct, frozen=True):
    """`found` are in the order of the items, the surest first: per item, set and way of finding the best few, and
    `more` says how many others were not kept. `items` and `texts` are how many were looked at, by set.

    `usual` is how many passages were not looked for, as too many items of the suite share them: its instructions.
    `crowded` is how often a text was like more items than were compared with it."""

    found: tuple[Finding, ...]
    items: int
    texts: Mapping[str, int]
    more: int = 0
    usual: int = 0
    crowded: int = 0

    def evidence(self, cleared: Mapping[str, str]) -> Contamination:
        """`cleared` are reasons by a finding's digest. An item is found unless all its findings are cleared."""
        open_ones = [finding for finding in self.found if finding.digest not in cleared]
        found = {finding.item for finding in open_ones}
        looked = {finding.item for finding in self.found}
        return Contamination(
            sets=tuple(self.texts),
            found=len(found),
            cleared=len(looked - found),
            examples=tuple(_shown(finding) for finding in open_ones[:SHOWN]),
        )


def digest_of(how: How, item: str, text: str) -> str:
    return sha256([how, _hashable(item), _hashable(text)])[:16]


def _hashable(text: str) -> str:
    """Halves of a surrogate pair are no Unicode text, and no JSON."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "backslashreplace")


def _shown(finding: Finding) -> dict[str, str]:
    named = {name: getattr(finding, name) for name in ("item", "set", "place", "how", "text", "digest")}
    return {**{name: _hashable(value) for name, value in named.items()}, "share": f"{finding.share:.2f}"}
