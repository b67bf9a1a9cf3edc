"""What every guard of rules has to keep to, for the tests of each: see `guardrails.guard.Finder`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

from guardrails.guard import Finder
from guardrails.passage import ALONE, Surroundings
from guardrails.stream import Follower

PROSE = (
    "The harbour of the old town was built in 1853, and it has hardly changed since. ",
    "Ein Satz über Züge, der nichts verrät; danach noch einer.\n",
    "それは本当ですか。",
    "def total(rows):\n    return sum(row['price'] for row in rows)\n",
    '{"id": 17, "name": "Ada", "tags": ["a", "b"], "ok": true}',
    "\n\n", " ", "- ", "\t", "\u200b", "\ud800", "\u0301",
)  # fmt: skip
ODD = st.text(st.characters(codec=None, categories=None), max_size=12)


def spliced(*finds: str) -> st.SearchStrategy[str]:
    """Texts that have some of these finds in them, whole and broken off, in prose and in what is no language."""
    whole = st.sampled_from(finds)
    broken = st.builds(lambda find, share: find[: int(len(find) * share)], whole, st.floats(0, 1))
    part = st.one_of(whole, broken, st.sampled_from(PROSE), ODD)
    return st.lists(part, max_size=8).map("".join)


def keeps_its_word(finder: Finder, text: str, around: Surroundings = ALONE) -> None:
    """What is found before `settled` of every beginning of the text is what is found there in all of it; finds are in
    order, none inside another, and inside the text."""
    whole = finder.spans(text, around)
    for before, after in pairwise(whole):
        assert before.start <= after.start
        assert before.end < after.end
    assert all(0 <= span.start < span.end <= len(text) and 0 < span.score <= 1 for span in whole)
    known = 0
    for length in range(len(text) + 1):
        beginning = text[:length]
        settled = finder.settled(beginning)
        assert 0 <= settled <= length
        assert max(finder.settled_after(beginning, known), known) == max(settled, known)
        later = [span for span in finder.spans_after(beginning, known, around) if span.end > known]
        assert later == [span for span in finder.spans(beginning, around) if span.end > known]
        known = max(known, settled)
        found = [span for span in finder.spans(beginning, around) if span.start < settled]
        assert found == [span for span in whole if span.start < settled], (length, settled)


def is_the_same_however_cut(finder: Finder, text: str, cuts: Sequence[int], around: Surroundings = ALONE) -> None:
    """A text that comes in pieces has the finds that it has at once, and comes out whole."""
    at_once = [(span.start, span.end, span.label) for span in finder.spans(text, around)]
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    follower = Follower([finder], around)
    found, said = [], []
    for start, end in pairwise(places):
        piece, finds = follower.feed(text[start:end])
        said.append(piece)
        found += finds
    piece, finds = follower.end()
    said.append(piece)
    found += finds
    assert "".join(said) == text
    assert [(one.span.start, one.span.end, one.span.label) for one in found] == at_once
    assert all(one.text == text[one.span.start : one.span.end] for one in found)


def held_back(finder: Finder, text: str) -> int:
    """The most characters that are held back while the text comes character by character."""
    return max(length - finder.settled(text[:length]) for length in range(len(text) + 1))
