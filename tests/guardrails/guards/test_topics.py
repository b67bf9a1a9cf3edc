from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from guardrails.errors import NotRun
from guardrails.guards.topic_head import fitted
from guardrails.guards.topics import Topic, Topics
from guardrails.passage import ALONE, Passage
from guardrails.verdict import Finding
from tests.guardrails.guards.asking import Hashing, NoModels

INVESTING = Topic(
    examples=(
        "Which shares should I buy?",
        "Should I buy shares of this bank?",
        "Is it a good time to sell my shares?",
        "Which fund should I buy for my pension?",
        "Will the price of these shares rise?",
        "Should I sell my fund and buy bonds?",
    ),
    counter=("What is a share?", "Please share this document.", "How do I share my screen?"),
)
GARDENS = Topic(
    examples=(
        "When do I plant tomatoes in my garden?",
        "My roses have brown leaves.",
        "How often should I water the garden?",
        "Which flowers grow in the shade?",
        "How do I plant roses?",
    )
)
GUARD = Topics(topics={"investing": INVESTING, "gardens": GARDENS})


def judged(text: str, guard: Topics = GUARD) -> Finding:
    return asyncio.run(guard.judge(Passage(text), ALONE, Hashing()))


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Should I buy shares of a bank now, or sell?", "investing"),
        ("How do I water roses in a garden?", "gardens"),
    ],
)
def test_a_text_of_a_topic_is_told(text: str, topic: str) -> None:
    finding = judged(text)
    assert finding.labels[0][0] == topic
    assert finding.score == finding.labels[0][1] >= 0.5


@pytest.mark.parametrize(
    "text", ["Please share my screen with this document.", "Write a function that sorts names.", ""]
)
def test_others_are_not(text: str) -> None:
    assert judged(text).score < 0.5


def test_in_a_long_text_the_segment_is_shown() -> None:
    ordinary = "The weather will be fine tomorrow, and the train goes at ten in the morning. " * 8
    text = f"{ordinary}Should I sell my shares and buy this fund? {ordinary}"
    finding = judged(text)
    assert finding.score >= 0.5
    assert any("buy this fund" in text[span.start : span.end] for span in finding.spans)
    assert all(span.end - span.start < len(text) / 2 for span in finding.spans)


def test_a_topic_needs_examples() -> None:
    with pytest.raises(ValidationError):
        Topic(examples=("one", "two"))


def test_it_does_not_run_without_a_model() -> None:
    guard = Topics(topics={"gardens": GARDENS})
    with pytest.raises(NotRun, match="no model"):
        asyncio.run(guard.judge(Passage("roses"), ALONE, NoModels()))


def clouds(seed: int, apart: float, number: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around two directions."""
    made = np.random.default_rng(seed).normal(size=(2, number, 16))
    made[0, :, 0] += apart
    made /= np.linalg.norm(made, axis=2, keepdims=True)
    return made[0], made[1]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.floats(0, 12))
def test_chances_are_chances_and_know_no_more_than_was_there(seed: int, apart: float) -> None:
    head = fitted(*clouds(seed, apart))
    positive, negative = clouds(seed + 5000, apart, 200)
    chances = np.array([head.chances(positive), head.chances(negative)])
    assert ((chances >= 0) & (chances <= 1)).all()
    if apart > 8:
        assert (chances[0] > 0.5).mean() > 0.9
        assert (chances[1] < 0.5).mean() > 0.9


def test_where_nothing_can_be_told_the_head_is_not_sure() -> None:
    sure = [max(fitted(*clouds(seed, 0.0)).chances(clouds(seed + 99, 0.0)[0])) for seed in range(10)]
    assert np.median(sure) < 0.8
