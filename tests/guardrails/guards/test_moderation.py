"""Moderation: the worst window, by category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from guardrails.errors import NotRun
from guardrails.guard import Window
from guardrails.guards.examples import MODEL
from guardrails.guards.moderation import FLAGGED, PLACES, Moderation
from guardrails.passage import ALONE, Passage
from guardrails.training.corpora import LABELS

pytestmark = pytest.mark.anyio


class Fixed:
    """Gives each text the same windows."""

    def __init__(self, *windows: Window) -> None:
        self._windows = windows

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        assert model == MODEL
        return [self._windows for _ in rows]

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise NotRun("it gives no embeddings")


CALM = Window(0, 10, (0.9, 0.1, 0.05, 0.04, 0.03, 0.02))
HATEFUL = Window(8, 20, (0.0, 0.8, 0.1, 0.7, 0.3, 0.2))


async def test_the_score_is_that_of_the_worst_window_and_the_window_the_span() -> None:
    found = await Moderation(guard="moderation", threshold=0.5).judge(
        Passage("a text of 20 signs.."), ALONE, Fixed(CALM, HATEFUL)
    )
    assert 0.7 < found.score < 0.8
    assert [(span.start, span.end) for span in found.spans] == [(8, 20)]
    assert found.labels == (("hate", 0.7), ("offensive", 0.3), ("toxic", 0.2), ("harmful_request", 0.1))
    assert found.reason == "hate is the likeliest category"


async def test_a_prompt_attack_is_none_of_its_matters() -> None:
    found = await Moderation(guard="moderation").judge(Passage("text"), ALONE, Fixed(CALM))
    assert 0.05 < found.score < 0.1
    assert found.spans == ()
    assert found.reason == ""


async def test_only_the_categories_asked_for_decide() -> None:
    guard = Moderation(guard="moderation", categories=("toxic", "harmful_request"), threshold=0.6)
    found = await guard.judge(Passage("text"), ALONE, Fixed(CALM, HATEFUL))
    assert found.score == 0.2
    assert found.spans == ()
    assert len(found.labels) == 4


async def test_where_there_is_no_text_it_has_nothing_to_judge() -> None:
    with pytest.raises(NotRun, match="no text"):
        await Moderation(guard="moderation").judge(Passage(" "), ALONE, Fixed(CALM))


def test_the_guard_reads_the_labels_it_means() -> None:
    assert LABELS[FLAGGED] == "flagged"
    assert {at: LABELS[at] for at in PLACES} == PLACES


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_a_score_lies_between_those_that_it_is_made_of(scores: list[float]) -> None:
    score = Moderation(guard="moderation").of(Window(0, 1, tuple(scores)))
    pair = (scores[FLAGGED], max(scores[at] for at in PLACES))
    assert min(pair) - 1e-9 <= score <= max(pair) + 1e-9
