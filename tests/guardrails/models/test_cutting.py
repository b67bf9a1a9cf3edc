"""Windows cover a text, overlap, and are read from its characters."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import NotRun
from guardrails.models import cutting
from guardrails.models.cutting import Cutter, covered, starts
from guardrails.models.manifest import read
from tests.guardrails.models import made


@given(st.integers(0, 3000), st.integers(2, 200), st.data())
def test_windows_leave_no_token_out_and_none_is_for_nothing(count: int, room: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, room))
    found = starts(count, room, stride)
    assert found[0] == 0
    assert found[-1] + room >= count
    assert len(found) == 1 or found[-2] + room < count
    assert all(after - before == stride for before, after in pairwise(found))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), max_size=80), st.integers(0, 5))
def test_windows_leave_no_character_out(sizes: list[tuple[int, int]], tail: int) -> None:
    offsets, at = [], 0
    for gap, size in sizes:
        offsets.append((at + gap, at + gap + size))
        at += gap + size
    found = covered(offsets, at + tail, 8, 5)
    assert found[0][2] == 0
    assert found[-1][3] == at + tail
    assert all(after[2] <= before[3] for before, after in pairwise(found))


@pytest.fixture
def cutter(tmp_path: Path) -> Cutter:
    return Cutter(*read(made.folder(tmp_path / "counting")))


@pytest.fixture
def pairs(tmp_path: Path) -> Cutter:
    return Cutter(*read(made.folder(tmp_path / "counting", pair=True, window=40, stride=30)))


def test_a_long_text_is_read_as_a_short_one_is(cutter: Cutter, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "A word, and \ud800 another. " * 40
    found = cutter.cut((text,))
    monkeypatch.setattr(cutting, "LONG", 10)
    assert cutter.cut((text,)) == found


def test_a_short_text_is_one_window(cutter: Cutter) -> None:
    (piece,) = cutter.cut(("plain text",))
    assert piece.ids == (2, 6, 7, 3)
    assert (piece.start, piece.end) == (0, 10)


@pytest.mark.parametrize("text", ["", "   ", "\ud800", "\x00", "text\udfff text"])
def test_what_holds_little_or_no_text_is_a_window_too(cutter: Cutter, text: str) -> None:
    (piece,) = cutter.cut((text,))
    assert (piece.start, piece.end) == (0, len(text))


def test_windows_say_which_characters_they_are_of(cutter: Cutter) -> None:
    text = "plain " * 14 + "attack"
    *_, last = cutter.cut((text,))
    assert "attack" in text[last.start : last.end]
    assert 4 in last.ids


def test_of_a_pair_the_first_is_in_each_window(pairs: Cutter) -> None:
    pieces = pairs.cut(("attack rude", "plain " * 90))
    assert len(pieces) > 1
    for piece in pieces:
        assert piece.ids[:4] == (2, 4, 5, 3)
        assert piece.second == 4
        assert len(piece.ids) <= 40


def test_a_first_text_that_leaves_no_room_is_not_cut_short(pairs: Cutter) -> None:
    with pytest.raises(NotRun, match="too long"):
        pairs.cut(("plain " * 30, "text"))


def test_a_model_says_how_many_texts_it_reads(cutter: Cutter) -> None:
    with pytest.raises(NotRun, match="reads 1 texts at once, 2 were given"):
        cutter.cut(("plain", "text"))


def test_a_tokenizer_that_is_none_is_named(tmp_path: Path) -> None:
    manifest, files = read(made.folder(tmp_path / "counting"))
    with pytest.raises(NotRun, match=r"tokenizer\.json of the model counting cannot be read"):
        Cutter(manifest, {**files, "tokenizer.json": b"{}"})
