"""grounded, context_precision, context_recall: answers and what they stand on."""

from __future__ import annotations

from typing import Any

import pytest

from evals.sample import Output, Sample
from evals.scorers.grounding import sentences_of
from tests.evals.scorers.scoring import scored, scorer

TOWER = (
    "The Eiffel Tower was completed in March 1889. It stands on the Champ de Mars in Paris, France.",
    "Its designer, the engineer Gustave Eiffel, also worked on the Statue of Liberty.",
)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("The Eiffel Tower was completed in 1889.", 1),
        ("The Eiffel Tower was completed in 1890.", 0),
        ("The Eiffel Tower stands in Paris. Elephants juggle bananas there nightly.", 0.5),
        ("- Completed in March 1889.\n- Designed by the engineer Gustave Eiffel.", 1),
        ("Yes.", None),
        ("", None),
    ],
)
def test_by_words(said: str, value: float | None) -> None:
    assert scored(scorer("grounded"), said, Sample("1", documents=TOWER)).value == value


def test_a_sentence_stands_on_one_document() -> None:
    """Its words scattered over several say nothing."""
    apart = Sample("1", documents=("Gustave Eiffel designed bridges.", "Napoleon conquered Europe."))
    said = "Gustave Eiffel conquered Europe."
    assert scored(scorer("grounded", least=0.8), said, apart).value == 0
    assert "Gustave" in scored(scorer("grounded", least=0.8), said, apart).reason


def test_what_tools_returned_counts_as_documents() -> None:
    way = Output("It is sunny in Lisbon.", ({"role": "tool", "content": "Lisbon: sunny, 24 degrees"},))
    assert scored(scorer("grounded"), way).value == 1
    assert scored(scorer("grounded"), "It is sunny in Lisbon.").value is None


def test_by_meaning() -> None:
    sample = Sample("1", documents=("aaaa bbbb. cccc dddd.",))
    assert scored(scorer("grounded", by="meaning"), "cccc dddd. zzzz zzzz.", sample).value == 0.5
    assert scored(scorer("grounded", by="meaning"), "aaaa cccc.", sample).value == 0


def test_sentences() -> None:
    text = 'Who was "first?" He was.\n\n# Heading here\n1. One more thing…then 2.5 metres。これは文です。次の文です!'
    assert sentences_of(text) == [
        'Who was "first?"',
        "Heading here",
        "One more thing…then 2.5 metres。",
        "これは文です。",
        "次の文です!",
    ]
    assert len(sentences_of("A long sentence. " * 1000)) == 200


def metadata(**columns: Any) -> Sample:
    return Sample("1", metadata=columns)


@pytest.mark.parametrize(
    ("retrieved", "relevant", "ranked", "flat", "recall"),
    [
        (["a", "b"], ["b"], 0.5, 0.5, 1),
        (["b", "a"], ["b"], 1, 0.5, 1),
        ([1, 2, 3, 4], [1, 4, 5, 6], (1 + 2 / 4) / 2, 0.5, 0.5),
        (["a", "b", "c", "d", "e"], ["c", "d"], (1 / 3 + 2 / 4) / 2, 0.4, 1),
        (["a", "a", "b"], ["a", "a"], 1, 0.5, 1),
        (["x"], ["a"], 0, 0, 0),
        ([], ["a"], 0, 0, 0),
        ("a", "a", 1, 1, 1),
        (["a"], [], None, None, None),
        (["a"], None, None, None, None),
    ],
)
def test_by_ids(retrieved: Any, relevant: Any, ranked: float | None, flat: float | None, recall: float | None) -> None:
    """Values as in Ragas' documentation where they are there."""
    sample = metadata(retrieved=retrieved, relevant=relevant)
    assert scored(scorer("context_precision"), "", sample).value == pytest.approx(ranked)
    assert scored(scorer("context_precision", ranked=False), "", sample).value == pytest.approx(flat)
    assert scored(scorer("context_recall"), "", sample).value == pytest.approx(recall)


def test_by_texts() -> None:
    sample = Sample("1", documents=TOWER, metadata={"facts": ["completed in March 1889", "painted every seven years"]})
    assert scored(scorer("context_recall", relevant="facts"), "", sample).value == 0.5
    assert scored(scorer("context_precision", relevant="facts"), "", sample).value == 1
    assert scored(scorer("context_precision", relevant="facts", ranked=False), "", sample).value == 0.5
    looked_up = Output("", ({"role": "tool", "content": "It is painted every seven years."},))
    assert scored(scorer("context_recall", relevant="facts"), looked_up, sample).value == 0.5
    assert scored(scorer("context_recall", relevant="none"), "", sample).value is None
