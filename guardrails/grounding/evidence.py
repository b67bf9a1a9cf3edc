"""The part of a context that could bear a claim out, so that a model reads little of it.

A context is cut into sentences once, and terms lead to the sentences that have them. For a claim those are taken that
add the most of its terms, rare ones counting for more, until the evidence is as long as a model reads at once. Time is
in proportion to the context's length, and for a claim to how often its terms stand in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log1p, sqrt

from guardrails.grounding.sentences import sentences
from guardrails.grounding.terms import terms

BUDGET = 150
"""Tokens of evidence, as `size` counts them."""
REPEATED = 0.15
"""What a term counts that is in the evidence already."""
MOST_READ = 64
"""Sentences that are weighed against each other for one claim: the best by all their terms."""


@dataclass(frozen=True)
class Context:
    """Sentences of all the texts of a context, in order, with their sizes and what leads to them."""

    sentences: tuple[str, ...]
    sizes: tuple[int, ...]
    places: dict[str, tuple[int, ...]]
    """The sentences that have a term."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> Context:
        found = [sentence.text for text in texts for sentence in sentences(text)]
        places: dict[str, list[int]] = defaultdict(list)
        for at, sentence in enumerate(found):
            for term in set(terms(sentence)):
                places[term].append(at)
        sizes = tuple(size(sentence) for sentence in found)
        return cls(tuple(found), sizes, {term: tuple(held) for term, held in places.items()})

    @property
    def empty(self) -> bool:
        return not self.sentences

    def weight(self, term: str) -> float:
        """The rarer it is in this context, the more it tells; one that is in none of it counts as the rarest."""
        return log1p(len(self.sentences) / (1 + len(self.places.get(term, ()))))

    def evidence(self, claim: str) -> str:
        """The sentences for a claim, in the context's order; the whole context where it is short."""
        if sum(self.sizes) <= BUDGET:
            return " ".join(self.sentences)
        return " ".join(self.sentences[at] for at in self.chosen(claim))

    def chosen(self, claim: str) -> list[int]:
        weights = {term: self.weight(term) for term in dict.fromkeys(terms(claim))}
        totals: dict[int, float] = defaultdict(float)
        held: dict[int, set[str]] = defaultdict(set)
        for term, weight in weights.items():
            for at in self.places.get(term, ()):
                totals[at] += weight
                held[at].add(term)
        best = sorted(totals, key=lambda at: (-totals[at], at))[:MOST_READ] or [0]
        return sorted(self._filled(best, held, weights))

    def _filled(self, best: Sequence[int], held: dict[int, set[str]], weights: dict[str, float]) -> set[int]:
        """Greedily what adds the most for its length; then what stands before and after the first of them."""
        taken: set[int] = set()
        covered: set[str] = set()
        room = BUDGET

        def gain(at: int) -> float:
            worth = sum(weights[term] * (REPEATED if term in covered else 1.0) for term in held[at])
            return worth / sqrt(40 + self.sizes[at])

        left = list(best)
        while left:
            at = max(left, key=gain)
            left.remove(at)
            if taken and self.sizes[at] > room:
                continue
            taken.add(at)
            covered |= held[at]
            room -= self.sizes[at]
        for near in (best[0] - 1, best[0] + 1):
            if 0 <= near < len(self.sentences) and near not in taken and self.sizes[near] <= room:
                taken.add(near)
                room -= self.sizes[near]
        return taken


def size(text: str) -> int:
    """About how many tokens an English WordPiece vocabulary makes of a text: a token for four ASCII characters, and
    one for each other."""
    ascii_part = len(text) if text.isascii() else sum(character < "\x80" for character in text)
    return 1 + ascii_part // 4 + len(text) - ascii_part
