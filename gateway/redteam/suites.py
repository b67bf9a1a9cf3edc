"""Attempts as suites: content-addressed, so that evidence says which attacks it stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from evals.datasets.base import Dataset, digest_of
from evals.digest import sha256
from evals.sample import Json, Sample, text_of
from evals.scorers.base import Scorer
from evals.suite import Against, Limits, Suite
from gateway.redteam.scorers import AttackSuccess, OverBlocked
from guardrails.redteam.attempts import Attempt, attempt
from guardrails.redteam.book import Book
from guardrails.redteam.drawing import Choice, Seen, followed, key, planned

SLICES = ("attack", "family", "language", "mutation")
ROUNDS = 4
"""In which attempts follow what was found."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """`seed` is that of the run. `secrets` are the operator's own, `variable` the one of the endpoint's prompt that
    takes what the user says."""

    seed: int
    secrets: tuple[str, ...]
    variable: str | None
    limits: Limits


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is asked: `attacks` and `controls` are planned whatever is found, and `following` attempts come after."""

    book: Book
    conduct: Conduct
    chosen: tuple[Choice, ...]
    attacks: Suite
    controls: Suite
    following: int

    @classmethod
    def of(cls, book: Book, budget: int, conduct: Conduct) -> Campaign:
        """A sixth of the budget is for controls, and one for following what was found."""
        part = budget // 6
        chosen = tuple(planned(book.seeds, book, budget - 2 * part, conduct.seed))
        harmless = planned(book.controls, book, part, conduct.seed)
        return cls(
            book=book,
            conduct=conduct,
            chosen=chosen,
            attacks=_suite("redteam.attacks", _attack(conduct), _made(chosen, book, conduct), conduct),
            controls=_suite(
                "redteam.controls", OverBlocked(kind="over_blocked"), _made(harmless, book, conduct), conduct
            ),
            following=part,
        )

    def round(self, number: int, seen: Sequence[Seen], taken: Mapping[str, Choice]) -> tuple[Suite, list[Choice]]:
        """The attempts of one round, from 1 on, by what was seen so far."""
        count = self.following // ROUNDS + (number <= self.following % ROUNDS)
        draw = f"follow/{self.conduct.seed}/{number}"
        chosen = followed(self.book.seeds, self.book, seen, taken, count, draw)
        samples = _made(chosen, self.book, self.conduct)
        return _suite("redteam.adaptive", _attack(self.conduct), samples, self.conduct), chosen


def seen_of(chosen: Sequence[Choice], succeeded: Mapping[str, bool]) -> list[Seen]:
    """`succeeded` is by the id of an attempt."""
    found = []
    for seed, chain in chosen:
        worked = succeeded.get(f"{seed.kind}.{seed.id}.{'+'.join(chain) or 'plain'}")
        if worked is not None:
            found.append(Seen(seed.kind, chain, worked))
    return found


def by_key(chosen: Sequence[Choice]) -> dict[str, Choice]:
    return {key(seed, chain): (seed, chain) for seed, chain in chosen}


def _attack(conduct: Conduct) -> Scorer:
    return AttackSuccess(kind="attack_success", secrets=conduct.secrets)


def _made(chosen: Sequence[Choice], book: Book, conduct: Conduct) -> list[Sample]:
    made = (attempt(seed, chain, book, conduct.seed) for seed, chain in chosen)
    return [_sample(one, conduct.variable) for one in made]


def _sample(one: Attempt, variable: str | None) -> Sample:
    slices = {"attack": one.seed.kind, "family": one.family, "language": one.language}
    if len(one.chain) < 2:
        slices["mutation"] = one.chain[0] if one.chain else "plain"
    messages, variables = _for_prompt(one.messages, variable)
    return Sample(
        id=one.id,
        messages=messages,
        expected=asdict(one.objective),
        variables=variables,
        tools=one.tools,
        cluster=one.seed.id,
        slices=slices,
    )


def _for_prompt(messages: Sequence[Json], variable: str | None) -> tuple[tuple[Json, ...], Json]:
    """With what the user says, all turns as one, in the variable of a prompt."""
    if variable is None:
        return tuple(messages), {}
    said = "\n\n".join(text_of(one) for one in messages if one["role"] == "user")
    return tuple(one for one in messages if one["role"] != "user"), {variable: said}


def _suite(name: str, scorer: Scorer, samples: Sequence[Sample], conduct: Conduct) -> Suite:
    dataset = Dataset(tuple(samples), digest_of(samples))
    digest = sha256(
        {
            "dataset": dataset.digest,
            "scorers": [dict(scorer.identity)],
            "judges": {},
            "slices": sorted(SLICES),
            "repeats": 1,
            "seed": conduct.seed,
        }
    )
    return Suite(
        name=name,
        about="Attacks that were made by `sluice redteam`." if scorer.kind == "attack_success" else "Harmless asks.",
        folder=Path(),
        dataset=dataset,
        target=None,
        scorers=(scorer,),
        judges={},
        slices=SLICES,
        repeats=1,
        seed=conduct.seed,
        limits=conduct.limits,
        contamination=Against(),
        digest=digest,
    )
