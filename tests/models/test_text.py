"""From tokens to text: nothing of a stop string is said, nothing else is lost, and no character is cut in two."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from gateway.models.text import Detokenizer, StopStrings

LETTERS = "abc"
STOPS = st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=3)


def told(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    """What is said of these pieces, and whether a stop string ended it."""
    reader = StopStrings(stops)
    out = ""
    for piece in pieces:
        out += reader.feed(piece)
        if reader.found:
            return out, True
    return out + reader.rest(), False


def cut(text: str, edges: list[int]) -> list[str]:
    places = [0, *sorted(edge % (len(text) + 1) for edge in edges), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(places)]


@given(STOPS, st.text(LETTERS, max_size=20), st.lists(st.integers(0, 100), max_size=8))
@example(["abc", "b"], "abc", [1, 2])
@example(["aab"], "aaab", [1, 2, 3])
def test_a_text_ends_before_a_stop_string_however_it_comes(stops: list[str], text: str, edges: list[int]) -> None:
    """The stop string that is whole first ends it: what streams cannot wait for a longer one that begins earlier."""
    out, found = told(stops, cut(text, edges))
    assert found == any(stop in text for stop in stops)
    assert text.startswith(out)
    assert not any(stop in out for stop in stops)
    if found:
        assert any(text.startswith(stop, len(out)) for stop in stops)
    else:
        assert out == text


@given(STOPS, st.text(LETTERS, max_size=20))
def test_letter_by_letter_it_ends_at_the_first_stop_string_to_be_whole(stops: list[str], text: str) -> None:
    ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
    out, found = told(stops, list(text))
    if found:
        first = text[: min(ends)]
        longest = max(len(stop) for stop in stops if first.endswith(stop))
        assert out == first[: len(first) - longest]


def test_only_what_may_begin_a_stop_string_is_held_back() -> None:
    reader = StopStrings(["END", "\n\n"])
    assert [reader.feed(piece) for piece in ("one E", "N", "D", "!")][:2] == ["one ", ""]
    assert reader.found
    other = StopStrings(["END"])
    assert [other.feed(piece) for piece in ("one E", "NO", "\n")] == ["one ", "ENO", "\n"]
    assert other.rest() == ""


@pytest.mark.parametrize("stops", [[], [""]])
def test_without_stop_strings_all_is_said_at_once(stops: list[str]) -> None:
    reader = StopStrings(stops)
    assert reader.feed("abc") == "abc"
    assert (reader.rest(), reader.found) == ("", False)


@given(st.text(min_size=1, max_size=20))
def test_characters_of_several_tokens_are_said_whole(text: str) -> None:
    """With a token for each byte, the hardest case there is."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    whole = text.encode("utf-8", "ignore").decode()
    reader = Detokenizer(SimpleNamespace(backend_tokenizer=tokenizer))
    pieces = [reader.feed(token) for token in tokenizer.encode(whole).ids]
    assert "".join(pieces) == whole
    assert not any("\ufffd" in piece for piece in pieces if "\ufffd" not in whole)
