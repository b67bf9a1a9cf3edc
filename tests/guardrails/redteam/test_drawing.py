"""Which attempts are made: a plan that knows no results, and more of what worked."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.redteam.book import AIMS, Book
from guardrails.redteam.drawing import Seen, followed, key, planned
from guardrails.redteam.mutations import FAMILIES, family

BOOK = Book.shipped()
MOST = 6000


@settings(max_examples=12, deadline=None)
@given(st.integers(48, 700), st.integers(0, 2**31 - 1))
def test_a_plan_is_spread_evenly_and_repeats_nothing(budget: int, run: int) -> None:
    chosen = planned(BOOK.seeds, BOOK, budget, run)
    assert len(chosen) == budget
    assert len({key(seed, chain) for seed, chain in chosen}) == budget
    kinds = Counter(seed.kind for seed, _ in chosen)
    assert kinds.keys() == AIMS.keys()
    assert max(kinds.values()) - min(kinds.values()) <= 2
    for kind in AIMS:
        families = Counter(family(chain) for seed, chain in chosen if seed.kind == kind)
        seeds = Counter(seed.id for seed, _ in chosen if seed.kind == kind)
        if budget <= 8 * 6 * 10:  # until there is nothing plain any more
            assert max(families[one] for one in FAMILIES) - min(families[one] for one in FAMILIES) <= 1
            assert max(seeds.values()) - min(seeds.values()) <= 2
    assert planned(BOOK.seeds, BOOK, budget, run) == chosen


def test_a_plan_ends_where_there_is_nothing_more() -> None:
    chosen = planned(BOOK.controls[:2], BOOK, MOST, 0)
    assert 0 < len(chosen) < MOST
    assert len({key(seed, chain) for seed, chain in chosen}) == len(chosen)


def test_more_is_tried_of_what_worked() -> None:
    seen = [Seen(kind, ("rot13",), succeeded=False) for kind in AIMS for _ in range(30)]
    seen += [Seen("jailbreak", ("as_json",), succeeded=True) for _ in range(30)]
    chosen = followed(BOOK.seeds, BOOK, seen, (), 40, "draw")
    assert len(chosen) == 40
    worked = sum(seed.kind == "jailbreak" and "as_json" in chain for seed, chain in chosen)
    failed = sum("rot13" in chain for _, chain in chosen)
    assert worked > 10
    assert worked > 3 * failed


def test_what_was_tried_is_not_tried_again() -> None:
    before = planned(BOOK.seeds, BOOK, 300, 3)
    taken = {key(seed, chain) for seed, chain in before}
    more = followed(BOOK.seeds, BOOK, [], taken, 50, "draw")
    found = {key(seed, chain) for seed, chain in more}
    assert len(found) == len(more) == 50
    assert not found & taken
    assert followed(BOOK.seeds, BOOK, [], taken, 50, "draw") == more
