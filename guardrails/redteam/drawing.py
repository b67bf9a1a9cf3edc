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
    """Of one class: families in turn, seeds in passes, mutations at random."""

    def __init__(self, seeds: Sequence[Seed], book: Book, chance: random.Random) -> None:
        self._chance = chance
        self._left = {(seed.id, family): chains(seed, book, family) for seed in seeds for family in FAMILIES}
        self._seeds = {seed.id: seed for seed in seeds}
        self._families = list(FAMILIES)
        self._pass: list[str] = []
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
        waiting = [seed for seed in self._pass if seed in able]
        if not waiting:
            self._pass += self._chance.sample(able, len(able))
            waiting = self._pass
        seed = next(one for one in waiting if one in able)
        self._pass.remove(seed)
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
    success is drawn from what is known of it, under a uniform prior, and the highest is tried with a seed that it was
    not tried with. `taken` are the attempts that were made, as `seed.chain`; `draw` makes it the same everywhere. What
    is found so says how an endpoint can be broken, and not how often."""
    chance = random.Random(draw)  # noqa: S311 - to be the same everywhere
    wins, losses = _counted(seen)
    arms: Mapping[tuple[str, str], list[Choice]] = defaultdict(list)
    for seed in seeds:
        for family in FAMILIES[1:]:
            for chain in chains(seed, book, family):
                if key(seed, chain) not in taken:
                    for name in chain:
                        arms[seed.kind, name].append((seed, chain))
    found: dict[str, Choice] = {}
    while len(found) < count and arms:
        drawn = {arm: chance.betavariate(1 + wins[arm], 1 + losses[arm]) for arm in arms}
        best = max(drawn, key=lambda arm: drawn[arm])
        seed, chain = arms[best].pop(chance.randrange(len(arms[best])))
        found.setdefault(key(seed, chain), (seed, chain))
        arms = {arm: left for arm, left in arms.items() if left}
    return list(found.values())


def key(seed: Seed, chain: Chain) -> str:
    return f"{seed.id}.{'+'.join(chain)}"


def _counted(seen: Iterable[Seen]) -> tuple[Mapping[tuple[str, str], int], Mapping[tuple[str, str], int]]:
    """Successes and failures by class and mutation; one of two mutations counts for both."""
    wins: dict[tuple[str, str], int] = defaultdict(int)
    losses: dict[tuple[str, str], int] = defaultdict(int)
    for one in seen:
        for name in one.chain:
            (wins if one.succeeded else losses)[one.kind, name] += 1
    return wins, losses


def _by_kind(seeds: Sequence[Seed]) -> Mapping[str, list[Seed]]:
    found: dict[str, list[Seed]] = {}
    for seed in seeds:
        found.setdefault(seed.kind, []).append(seed)
    return found
