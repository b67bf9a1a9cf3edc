"""What of an answer is a claim, and how a claim is put to a model."""

from __future__ import annotations

from guardrails.grounding.evidence import size

SHORT = 60
"""Characters up to which a sentence is read with its question: `In 1912.` claims nothing alone."""
QUESTION, CLAIM = 60, 110
"""Tokens of a question and of a sentence that are read, as `size` counts them."""


def claim(question: str, sentence: str) -> str:
    """What the first text of a pair is."""
    said = clipped(sentence, CLAIM)
    asked = clipped(" ".join(question.split()), QUESTION) if len(sentence) <= SHORT else ""
    return f"{asked} {said}" if asked else said


def clipped(text: str, most: int) -> str:
    """The beginning of a text, `most` tokens of it."""
    counted = size(text)
    while counted > most:
        text = text[: max(1, len(text) * most // counted - 1)].rstrip()
        counted = min(size(text), counted - 1)
    return text
