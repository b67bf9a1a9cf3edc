"""Whether a text was taken from others: how much of it stands there word for word, in any way they can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from guardrails.canonical.views import views

GRAM = 12
"""Characters that have to be the same to count as taken."""
SHORTEST = 4
"""Characters; a text that is shorter is no evidence. One shorter than `GRAM` has to stand there as a whole word."""
SPACES = re.compile(r"\s+")
EDGE = re.compile(r"\w")


class Origin:
    """Of texts that are asked about later, which pieces stand in what is untrusted and not in what is trusted. Each of
    those is read once, whatever their number."""

    def __init__(self, untrusted: Iterable[str], trusted: Iterable[str], asked: Sequence[str]) -> None:
        plain = [folded(text) for text in asked]
        grams = {text[at : at + GRAM] for text in plain for at in range(len(text) - GRAM + 1)}
        self._short = {text for text in plain if len(text) < GRAM}
        self._taken = self._standing(untrusted, grams)
        self._given = self._standing(trusted, grams)

    def share(self, text: str) -> float:
        """How much of it was taken, from 0 to 1 of its characters."""
        plain = folded(text)
        if len(plain) < SHORTEST:
            return 0.0
        if len(plain) < GRAM:
            return float(plain in self._taken and plain not in self._given)
        covered = end = 0
        for at in range(len(plain) - GRAM + 1):
            gram = plain[at : at + GRAM]
            if gram in self._taken and gram not in self._given:
                covered += at + GRAM - max(at, end)
                end = at + GRAM
        return covered / len(plain)

    def _standing(self, texts: Iterable[str], grams: set[str]) -> set[str]:
        """The grams, and the short texts, that stand in the texts as they can be read."""
        found: set[str] = set()
        for view in (view for text in texts for view in views(text)):
            plain = folded(view.text)
            found.update(gram for at in range(len(plain) - GRAM + 1) if (gram := plain[at : at + GRAM]) in grams)
            found.update(short for short in self._short if stands(short, plain))
        return found


def folded(text: str) -> str:
    """Small, and with one space between words."""
    return SPACES.sub(" ", text).strip().casefold()


def stands(short: str, text: str) -> bool:
    """Whether it stands there with no letter or digit on either side."""
    at = text.find(short)
    while at >= 0:
        end = at + len(short)
        before, after = text[at - 1 : at] if at else "", text[end : end + 1]
        if not EDGE.match(before) and not EDGE.match(after):
            return True
        at = text.find(short, at + 1)
    return False
