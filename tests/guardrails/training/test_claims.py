from __future__ import annotations

import random

import pytest

from guardrails.training.claims import Maker, units

PASSAGE = (
    "The bridge was built in 1874 by James Eads of Lawrence County. It is older than the tower by Henry Ford. "
    "It has three arches and is open to people on foot. The tower was finished in 1902 after a long dispute."
)


def row(response: str, *, y: int = 0, spans: tuple[tuple[int, int], ...] = ()) -> dict[str, object]:
    return {
        "context": PASSAGE,
        "question": "",
        "response": response,
        "y": y,
        "spans": spans,
        "source": "here",
        "lang": "en",
    }


def test_a_row_with_spans_is_taken_sentence_by_sentence() -> None:
    found = units(row("It is old. It is red.", y=1, spans=((17, 20),)))
    assert [(one.text, supported) for one, supported in found] == [("It is old.", 1.0), ("It is red.", 0.0)]
    assert len(units(row("It is old. It is red."))) == 2
    assert [supported for _, supported in units(row("It is old. It is red.", y=1))] == [0.0]


def test_what_is_changed_differs_and_what_is_made_is_in_halves() -> None:
    maker = Maker(random.Random(3))
    for text in ("It was built in 1874.", "The tower is open.", "It is not open.", "It fell before the war."):
        changed = maker.changed(text, PASSAGE)
        assert changed is not None
        assert changed != text
    assert maker.changed("Rain.", PASSAGE) is None
    made = maker.made([PASSAGE], 40)
    assert {pair.group for pair in made} == {"made/1", "made/changed", "made/without"}
    whole = [pair for pair in made if pair.group == "made/1"]
    assert all(pair.claim in pair.evidence and pair.supported for pair in whole)
    assert all(pair.claim not in pair.evidence and not pair.supported for pair in made if pair not in whole)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_rows_become_pairs_of_their_source(share: float) -> None:
    pairs = Maker(random.Random(1), share).of_rows([row("The bridge was built in 1874."), row("It sank.", y=1)])
    assert [(pair.group, pair.supported) for pair in pairs] == [("here/1", 1.0), ("here/0", 0.0)]
    assert all(pair.evidence for pair in pairs)
