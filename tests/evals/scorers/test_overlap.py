"""BLEU, chrF, ROUGE and similarity: the values that their libraries publish, and what is ours around them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from evals.errors import Missing
from tests.evals.scorers.scoring import score, scorer

CZECH = [
    (
        "Co nás nejvíc trápí, protože lékaři si vybírají, kdo bude žít a kdo zemře.",
        "Nejvíce smutní jsme z toho, že musíme rozhodovat o tom, kdo bude žít a kdo zemře.",
        39.14078509,
    ),
    (
        "Nebo prostě nemají vybavení, které by jim pomohlo, uvedli lékaři.",
        "A někdy nemáme ani potřebný materiál, abychom jim pomohli, popsali lékaři.",
        31.22557079,
    ),
    (
        "Lapali po dechu, jejich životy skončily dřív, než skutečně začaly.",
        "Lapali po dechu a pak jejich život skončil - dřív, než skutečně mohl začít, připomněli.",
        57.15704367,
    ),
]
"""From sacreBLEU's own tests, which smooth by an epsilon: a difference in the sixth place."""


@pytest.mark.parametrize(("said", "reference", "published"), CZECH)
def test_chrf_of_sentences(said: str, reference: str, published: float) -> None:
    assert score("chrf", said, reference).value == pytest.approx(published / 100, abs=1e-5)


@pytest.mark.parametrize(
    ("said", "reference", "published"), [("a", "a", 1), ("a b c", "abc", 1), ("aa", "ab", 0.25), ("", "c", 0)]
)
def test_chrf_of_little(said: str, reference: str, published: float) -> None:
    assert score("chrf", said, reference).value == pytest.approx(published)


@pytest.mark.parametrize(
    ("said", "references", "published"),
    [
        ("test", "a test", 0.3678794411714425),
        ("a test", "a test", 1),
        ("The dog bit the man.", ["The dog bit the man.", "The dog had bit the man."], 1),
        ("", "a test", 0),
    ],
)
def test_bleu_of_sentences(said: str, references: Any, published: float) -> None:
    """From sacreBLEU's own tests, of an effective order."""
    assert score("bleu", said, references).value == pytest.approx(published)


def test_bleu_takes_other_languages_by_their_tokenizers() -> None:
    assert score("bleu", "我喜欢猫和狗", "我喜欢狗和猫").value == pytest.approx(0)
    found = score("bleu", "我喜欢猫和狗", "我喜欢狗和猫", tokenize="zh").value
    assert found is not None
    assert 0.1 < found < 1


@pytest.mark.parametrize(
    ("said", "options", "value"),
    [
        ("testing", {"of": "rouge1", "measure": "precision"}, 1),
        ("testing", {"of": "rouge1", "measure": "recall"}, 1 / 3),
        ("testing", {"of": "rouge1"}, 1 / 2),
        ("testing one two", {"of": "rouge2"}, 1),
        ("testing two one", {"of": "rougeL"}, 2 / 3),
        ("tests ones twos", {"of": "rouge1"}, 0),
        ("tests ones twos", {"of": "rouge1", "stem": True}, 1),
        ("", {}, 0),
    ],
)
def test_rouge(said: str, options: dict[str, Any], value: float) -> None:
    """From rouge-score's own tests, and by hand."""
    assert score("rouge", said, "testing one two", **options).value == pytest.approx(value)


def test_rouge_reads_every_script() -> None:
    """The library's own tokenizer knows a to z alone."""
    assert score("rouge", "привет, мир", "Привет мир").value == 1
    assert score("rouge", "猫と犬", "猫と犬").value == 1
    assert score("rouge", "the cat_sat", "the cat sat").value == 1


def test_of_several_references_the_nearest_counts() -> None:
    for kind in ("bleu", "chrf", "rouge", "f1", "similarity"):
        assert score(kind, "one two three four", ["nothing", "one two three four"]).value == pytest.approx(1), kind
        assert score(kind, "one two", None).value is None, kind


def test_similarity_is_of_embeddings() -> None:
    assert score("similarity", "listen", "silent").value == pytest.approx(1)
    assert score("similarity", "aaa", "zzz").value == 0
    assert score("similarity", "ab", "a").value == pytest.approx(0.5**0.5)
    assert score("similarity", "ab", "a", least=0.7).value == 1
    assert score("similarity", "ab", "a", least=0.8).value == 0
    assert score("similarity", " ", "a").value == 0


@pytest.mark.parametrize(("kind", "library"), [("bleu", "sacrebleu"), ("chrf", "sacrebleu"), ("rouge", "rouge_score")])
def test_a_library_that_is_not_installed_is_told_before_anything_is_asked(
    kind: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Missing, match=r"is not installed: pip install 'sluicegate\[evals\]'"):
        scorer(kind, tmp_path)
