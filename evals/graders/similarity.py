"""The metrics of OpenAI's text similarity grader, each by the library that is known for it."""

from __future__ import annotations

from typing import Any

from evals.errors import BadInput, Missing
from evals.scorers.words import words

MOST = 10_000
"""Characters of a text: most of the metrics take as long as the product of two lengths."""


def similarity(metric: str, text: str, reference: str) -> float:
    """From 0 to 1. Raises `Missing`, and `BadInput` for more than `MOST` characters.

    BLEU is sentence BLEU with exponential smoothing; METEOR matches words and their
    stems, without WordNet's synonyms; ROUGE is its F1."""
    if max(len(text), len(reference)) > MOST:
        raise BadInput(f"Texts of more than {MOST} characters are not compared.")
    if metric == "fuzzy_match":
        return _fuzzy(text, reference)
    if metric == "bleu":
        return _bleu(text, reference)
    if metric == "gleu":
        return float(_nltk("gleu_score").sentence_gleu([words(reference)], words(text)))
    if metric == "meteor":
        return float(_nltk("meteor_score").meteor_score([words(reference)], words(text), wordnet=_NoSynonyms()))
    return _rouge(metric.replace("_l", "L").replace("_", ""), text, reference)


class _NoSynonyms:
    """Stands in for WordNet, which is a corpus to be downloaded."""

    def synsets(self, word: str) -> list[Any]:
        return []


def _fuzzy(text: str, reference: str) -> float:
    try:
        from rapidfuzz import fuzz
    except ImportError as error:
        raise Missing.extra("rapidfuzz", "evals") from error
    return float(fuzz.ratio(text, reference)) / 100


def _bleu(text: str, reference: str) -> float:
    try:
        from sacrebleu.metrics import BLEU
    except ImportError as error:
        raise Missing.extra("sacrebleu", "evals") from error
    return min(1.0, float(BLEU(effective_order=True).sentence_score(text, [reference]).score) / 100)


def _nltk(module: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"nltk.translate.{module}")
    except ImportError as error:
        raise Missing.extra("nltk", "evals") from error


def _rouge(kind: str, text: str, reference: str) -> float:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise Missing.extra("rouge-score", "evals") from error
    return float(RougeScorer([kind], tokenizer=_Words()).score(reference, text)[kind].fmeasure)


class _Words:
    """A tokenizer of rouge-score's: the first 1,000 words. Its own knows a to z alone."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)[:1000]
