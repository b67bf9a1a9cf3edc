"""Attempts as suites."""

from __future__ import annotations

from evals.suite import Limits
from gateway.redteam.suites import Campaign, Conduct, by_key, seen_of
from guardrails.redteam.book import Book

BOOK = Book.shipped()
CONDUCT = Conduct(3, (), None, Limits())


def test_the_same_attempts_have_the_same_digest_and_others_another() -> None:
    one = Campaign.of(BOOK, 60, CONDUCT)
    assert Campaign.of(BOOK, 60, CONDUCT).attacks.digest == one.attacks.digest
    others = [
        Campaign.of(BOOK, 66, CONDUCT),
        Campaign.of(BOOK, 60, Conduct(4, (), None, Limits())),
        Campaign.of(BOOK, 60, Conduct(3, ("blue-heron-77",), None, Limits())),
        Campaign.of(BOOK, 60, Conduct(3, (), "question", Limits())),
    ]
    assert len({one.attacks.digest, *(other.attacks.digest for other in others)}) == 5
    assert one.controls.digest != one.attacks.digest


def test_the_budget_is_for_attacks_controls_and_what_follows() -> None:
    found = Campaign.of(BOOK, 60, CONDUCT)
    assert (len(found.attacks.dataset.samples), len(found.controls.dataset.samples), found.following) == (40, 10, 10)
    rounds = [found.round(number, (), {})[1] for number in range(1, 5)]
    assert [len(chosen) for chosen in rounds] == [3, 3, 2, 2]


def test_samples_say_what_they_are() -> None:
    samples = Campaign.of(BOOK, 300, CONDUCT).attacks.dataset.samples
    assert {sample.slices["family"] for sample in samples} == {
        "plain", "encoded", "translated", "framed", "turns", "nested",
    }  # fmt: skip
    assert all(sample.cluster and sample.cluster in sample.id for sample in samples)
    assert all(("mutation" in sample.slices) == (sample.slices["family"] != "nested") for sample in samples)


def test_a_prompt_s_variable_takes_what_users_say() -> None:
    samples = Campaign.of(BOOK, 60, Conduct(3, (), "question", Limits())).attacks.dataset.samples
    plain = {one.id: one for one in Campaign.of(BOOK, 60, CONDUCT).attacks.dataset.samples}
    for sample in samples:
        said = [one["content"] for one in plain[sample.id].messages if one["role"] == "user"]
        assert sample.variables == {"question": "\n\n".join(said)}
        assert all(one["role"] != "user" for one in sample.messages)


def test_what_was_answered_is_what_was_seen() -> None:
    chosen = Campaign.of(BOOK, 60, CONDUCT).chosen
    seed, chain = chosen[0]
    name = f"{seed.kind}.{seed.id}.{'+'.join(chain) or 'plain'}"
    (seen,) = seen_of(chosen, {name: True, "another": True})
    assert (seen.kind, seen.chain, seen.succeeded) == (seed.kind, chain, True)
    assert len(by_key(chosen)) == len(chosen)
