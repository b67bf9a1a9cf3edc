"""Which attempts are made: a plan over classes and families of mutations that knows no results, and then more of what
worked."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from guardrails.redteam.book import Book, Seed
from guardrails.redteam.mutations import FAMILIES, Chain, chains

Choice = tuple[Seed, Chain]
PRIOR = 2.0
"""Attempts that what is supposed of a mutation weighs as much as."""


def planned(seeds: Sequence[Seed], book: Book, budget: int, run: int) -> list[Choice]:
    """`budget` attempts, none twice, spread evenly over classes, families and seeds, as far as there are so many. It
    depends on nothing that was found, so that rates of these attempts are unbiased for this mix."""
    chance = random.Random(f"plan/{run}")  # noqa: S311 - to be the same everywhere
    decks = [_Deck(of, book, chance) for of in _by_kind(seeds).values()]
    chance.shuffle(decks)
    found: list[Choice] = []
    while len(found) < budget and decks:
        decks = [deck for deck in decks if not deck.empty]
        for deck in decks:
            drawn = deck.draw()
            if drawn is not None and len(found) < budget:
                found.append(drawn)
    return found


class _Deck:
    """Of one class: families in turn, of the seeds one that was drawn least, and mutations at random."""

    def __init__(self, seeds: Sequence[Seed], book: Book, chance: random.Random) -> None:
        self._chance = chance
        self._left = {(seed.id, family): chains(seed, book, family) for seed in seeds for family in FAMILIES}
        self._seeds = {seed.id: seed for seed in seeds}
        self._drawn = dict.fromkeys(self._seeds, 0)
        self._families = list(FAMILIES)
        chance.shuffle(self._families)

    @property
    def empty(self) -> bool:
        return not self._families

    def draw(self) -> Choice | None:
        """The next; None where its family has no more."""
        family = self._families.pop(0)
        able = [seed for seed in self._seeds if self._left[seed, family]]
        if not able:
            return None
        self._families.append(family)
        least = min(self._drawn[seed] for seed in able)
        seed = self._chance.choice([one for one in able if self._drawn[one] == least])
        self._drawn[seed] += 1
        left = self._left[seed, family]
        return self._seeds[seed], left.pop(self._chance.randrange(len(left)))


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of an attempt that was made."""

    kind: str
    chain: Chain
    succeeded: bool


def followed(
    seeds: Sequence[Seed], book: Book, seen: Iterable[Seen], taken: Collection[str], count: int, draw: str
) -> list[Choice]:
    """`count` more, by Thompson sampling (Thompson 1933; Chapelle and Li 2011): for each class and mutation a rate of
    success is drawn from what is known of it, and the highest is tried with a seed that it was not tried with. `taken`
    are the attempts that were made, as `seed.chain`; `draw` makes it the same everywhere. What is found so says how an
    endpoint can be broken, and not how often."""
    chance = random.Random(draw)  # noqa: S311 - to be the same everywhere
    known = _Known(seen)
    arms: Mapping[tuple[str, str], list[Choice]] = defaultdict(list)
    for seed in seeds:
        for family in FAMILIES[1:]:
            for chain in chains(seed, book, family):
                if key(seed, chain) not in taken:
                    for name in chain:
                        arms[seed.kind, name].append((seed, chain))
    found: dict[str, Choice] = {}
    while len(found) < count and arms:
        drawn = {arm: chance.betavariate(*known.shape(*arm)) for arm in arms}
        best = max(drawn, key=lambda arm: drawn[arm])
        seed, chain = arms[best].pop(chance.randrange(len(arms[best])))
        found.setdefault(key(seed, chain), (seed, chain))
        arms = {arm: left for arm, left in arms.items() if left}
    return list(found.values())


def key(seed: Seed, chain: Chain) -> str:
    return f"{seed.id}.{'+'.join(chain)}"


class _Known:
    """What is known of rates of success, by class and mutation."""

    def __init__(self, seen: Iterable[Seen]) -> None:
        self._counts: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
        for one in seen:
            self._counts[one.kind,][one.succeeded] += 1
            for name in one.chain:
                self._counts["", name][one.succeeded] += 1
                self._counts[one.kind, name][one.succeeded] += 1

    def shape(self, kind: str, name: str) -> tuple[float, float]:
        """Of a beta distribution. Before a mutation was tried in a class, it is as good as class and mutation were
        together; `PRIOR` attempts outweigh that."""
        lost, won = (sum(pair) for pair in zip(self._counts[kind,], self._counts["", name], strict=True))
        expected = (won + 1) / (won + lost + 2)
        losses, wins = self._counts[kind, name]
        return PRIOR * expected + wins, PRIOR * (1 - expected) + losses


def _by_kind(seeds: Sequence[Seed]) -> Mapping[str, list[Seed]]:
    found: dict[str, list[Seed]] = {}
    for seed in seeds:
        found.setdefault(seed.kind, []).append(seed)
    return found
