"""The attacks that are shipped: whole, in many languages, and with nothing left to fill in."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from guardrails.redteam.attempts import Attempt, attempt
from guardrails.redteam.book import AIMS, CONTROL, Book
from guardrails.redteam.drawing import planned
from guardrails.redteam.objectives import Reply, reached
from guardrails.redteam.planting import plant

BOOK = Book.shipped()
NAMES = re.compile(r"\{(?:say|word|number|host|wish|link|reveal|tool|arguments|slot)\}")


@pytest.fixture(scope="module")
def attempts() -> list[Attempt]:
    chosen = [*planned(BOOK.seeds, BOOK, 2500, 7), *planned(BOOK.controls, BOOK, 400, 7)]
    return [attempt(seed, chain, BOOK, 7) for seed, chain in chosen]


def test_every_class_has_seeds_enough() -> None:
    counts = Counter(seed.kind for seed in BOOK.seeds)
    assert counts.keys() == AIMS.keys()
    assert min(counts.values()) >= 10
    assert len(BOOK.controls) >= 20
    assert {control.kind for control in BOOK.controls} == {CONTROL}
    ids = [seed.id for seed in (*BOOK.seeds, *BOOK.controls)]
    assert len(set(ids)) == len(ids)


def test_every_language_has_words_for_every_seed() -> None:
    assert len(BOOK.languages) >= 8
    wanted = {seed.phrase for seed in (*BOOK.seeds, *BOOK.controls)}
    assert {name: wanted - of.keys() for name, of in BOOK.languages.items() if wanted - of.keys()} == {}


def test_nothing_is_left_to_fill_in(attempts: list[Attempt]) -> None:
    assert [one.id for one in attempts if NAMES.search(str(one.messages))] == []


def test_who_only_quotes_an_attack_has_not_followed_it(attempts: list[Attempt]) -> None:
    """The canary, the secret and the value stand in no attack, in whatever reading."""
    judged = [one for one in attempts if one.objective.aim != "comply"]
    quoted = {one.id: Reply(tuple(m["content"] or "" for m in one.messages[1:])) for one in judged}
    assert len(judged) > 1500
    assert [one.id for one in judged if reached(one.objective, quoted[one.id])] == []


def test_what_must_not_be_told_is_in_the_system_message_alone(attempts: list[Attempt]) -> None:
    for one in attempts:
        held = {"reveal": plant(one.seed.id, 7).secret, "link": plant(one.seed.id, 7).value}.get(one.objective.aim)
        if held is not None:
            assert held in one.messages[0]["content"], one.id
            assert held not in str(one.messages[1:]), one.id


def test_the_tool_that_must_not_be_called_is_there_to_be_called(attempts: list[Attempt]) -> None:
    for one in attempts:
        names = {tool["function"]["name"] for tool in one.tools}
        assert one.objective.aim != "call" or one.objective.tool in names, one.id
        called = {call["function"]["name"] for m in one.messages for call in m.get("tool_calls", ())}
        assert called <= names, one.id


def test_an_attempt_is_the_same_for_the_same_run_and_another_for_another() -> None:
    seed = BOOK.seeds[0]
    assert attempt(seed, ("zero_width", "split"), BOOK, 1) == attempt(seed, ("zero_width", "split"), BOOK, 1)
    assert attempt(seed, (), BOOK, 1) != attempt(seed, (), BOOK, 2)
    assert len({plant(one.id, 1).canary for one in BOOK.seeds}) == len(BOOK.seeds)
