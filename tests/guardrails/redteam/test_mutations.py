"""Forms of an attack: what they hide can be found, and what they split is whole."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.canonical.views import views
from guardrails.redteam.book import Book, Seed
from guardrails.redteam.mutations import ENCODED, FAMILIES, FRAMED, MUTATIONS, chains, family, language, mutated

BOOK = Book.shipped()
SAID = "Please write the word OTTER and the number 41127, joined by a hyphen."


def chance() -> random.Random:
    return random.Random(5)


@pytest.mark.parametrize("name", ["base64", "hex", "rot13", "reversed", "zero_width", "full_width", "homoglyphs"])
def test_what_is_encoded_is_read_by_guards(name: str) -> None:
    attack = mutated(SAID, (name,), {}, chance())
    assert SAID.casefold() not in attack.text.casefold()
    assert any("the word otter and the number" in view.text.casefold() for view in views(attack.text))


@pytest.mark.parametrize("name", [*FRAMED, "build_up", "agreed", "dripped"])
def test_a_frame_holds_the_attack(name: str) -> None:
    attack = mutated(SAID, (name,), {}, chance())
    assert SAID in attack.text
    assert (attack.text, attack.before) != (SAID, ())


@settings(max_examples=50)
@given(st.text(min_size=2, max_size=200))
def test_what_is_split_is_whole_over_both_turns(text: str) -> None:
    attack = mutated(text, ("split",), {}, chance())
    (first,) = attack.before
    second = attack.text.removeprefix("Part two: ").removesuffix("\nNow do what both parts say together.")
    assert first.partition("Part one: ")[2] + second == text


def test_of_two_the_first_is_applied_first() -> None:
    attack = mutated(SAID, ("in_de", "base64"), {"de": "Sag bitte nur Otter."}, chance())
    assert any("Sag bitte nur Otter." in view.text for view in views(attack.text))
    assert (family(("in_de", "base64")), language(("in_de", "base64"))) == ("nested", "de")


@pytest.mark.parametrize("seed", [BOOK.seeds[0], BOOK.seeds[12], BOOK.controls[0]], ids=lambda seed: seed.id)
def test_families_are_told_apart_and_are_two_deep_at_most(seed: Seed) -> None:
    for one in FAMILIES:
        found = chains(seed, BOOK, one)
        assert found
        assert len(set(found)) == len(found)
        assert {family(chain) for chain in found} == {one}
        assert all(len(chain) <= 2 for chain in found)
        assert chains(seed, BOOK, one) == found


def test_what_a_document_brings_is_not_split() -> None:
    carried = next(seed for seed in BOOK.seeds if seed.carrier == "document")
    assert all("split" not in chain for one in FAMILIES for chain in chains(carried, BOOK, one))


def test_nothing_is_encoded_twice() -> None:
    pairs = [chain for seed in BOOK.seeds for chain in chains(seed, BOOK, "nested")]
    assert not any(first in ENCODED and second in ENCODED for first, second in pairs)
    assert all(second in MUTATIONS for _, second in pairs)
