from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import Missing
from guardrails.pii import finding
from guardrails.pii.tagger import LONGEST, NEAR, WEIGHTS, Tag, Tagger, runs
from guardrails.pii.words import BUCKETS, MOST_FEATURES, features, words

PERSON = Tag(1, 0.9)
TEXTS = st.text("aB1 .,\n-é中", max_size=200)


def test_weights_that_are_not_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="cannot be read"):
        Tagger(tmp_path / "none.npz")


def test_weights_that_are_broken_are_said(tmp_path: Path) -> None:
    (tmp_path / "cut.npz").write_bytes(WEIGHTS.read_bytes()[:5000])
    with pytest.raises(Missing, match="cannot be read"):
        Tagger(tmp_path / "cut.npz")
    np.savez(tmp_path / "other.npz", table=np.zeros(3))
    with pytest.raises(Missing, match="cannot be read"):
        Tagger(tmp_path / "other.npz")


def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 3_000_000


@given(st.text(min_size=1, max_size=60), st.integers(0, 31))
def test_features_are_rows_of_the_table(text: str, lists: int) -> None:
    for word in words(text):
        made = features(word.text, lists)
        assert 1 <= len(made) <= MOST_FEATURES
        assert all(0 < row < BUCKETS for row in made)


@given(TEXTS)
def test_words_cover_what_is_no_space(text: str) -> None:
    covered = {at for word in words(text) for at in range(word.start, word.end)}
    assert all(at in covered or one.isspace() for at, one in enumerate(text))


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_what_is_far_away_changes_no_tag(before: str, after: str) -> None:
    middle = "My name is Maria Schneider and I live in Berlin."
    gap = " " * (NEAR + 1)
    whole = f"{before}{gap}{middle}{gap}{after}"
    start = len(before) + len(gap)
    tagger = finding.shipped()
    tags = dict(zip(((w.start, w.end) for w in words(whole)), tagger.tags(words(whole)), strict=True))
    alone = tagger.tags(words(middle))
    for word, tag in zip(words(middle), alone, strict=True):
        there = tags[word.start + start, word.end + start]
        assert there.label == tag.label
        assert abs(there.score - tag.score) < 1e-5


def test_words_of_one_label_side_by_side_are_one_span() -> None:
    text = "Dear Maria Anna Schneider, and Jan:"
    tags = [PERSON if word.text.istitle() and word.text != "Dear" else Tag(0, 0.0) for word in words(text)]
    assert [text[span.start : span.end] for span in runs(text, words(text), tags)] == ["Maria Anna Schneider", "Jan"]


def test_a_run_that_is_too_long_goes_on_word_by_word() -> None:
    text = "Abcd " * 60
    spans = runs(text, words(text), [PERSON] * 60)
    assert spans[0].end - spans[0].start <= LONGEST
    assert all(span.end - span.start == 4 for span in spans[1:])
    assert {at for span in spans for at in range(span.start, span.end)} >= {word.start for word in words(text)}
