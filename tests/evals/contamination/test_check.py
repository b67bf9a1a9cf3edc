"""What is found, by what, and where: in any script, in texts of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.contamination.check import LONGEST, Looking, check
from evals.contamination.findings import Finding, Findings, Span
from evals.contamination.near import common, jaccard
from evals.contamination.texts import normal, originals, words_of

CARD = "How long does it take until my new card arrives at my home and can I track it on the way?"
WORDS = st.lists(st.text("abcdefgh", min_size=2, max_size=6), min_size=13, max_size=40)
ANY = st.text(st.characters(), max_size=60)
"""With halves of surrogate pairs, controls, marks and what is read from right to left."""


def found(item: str, *texts: str, **options: Any) -> list[Finding]:
    return list(check([("item", item)], {"set": places(texts)}, **options).found)


def places(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((str(number), text) for number, text in enumerate(texts))


def ways(item: str, text: str) -> set[str]:
    return {finding.how for finding in found(item, text)}


def passages(finding: Finding, item: str, text: str) -> tuple[list[str], list[str]]:
    return [item[s.start : s.end] for s in finding.in_item], [text[s.start : s.end] for s in finding.in_set]


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (CARD, CARD.upper()),
        (CARD, "  " + CARD.replace(" ", "\u00a0\n")),
        ("ﬁnd the ﬀice at №\uff15", "FIND THE FFICE AT NO5"),
        ("Straße", "STRASSE"),
        ("cafe\u0301", "CAFÉ"),
        ("مرحبا بالعالم", "مرحبا  بالعالم"),
        ("\x00\x01", "\x00\x01"),
        ("\ud800?", "\ud800?"),
    ],
)
def test_case_space_and_forms_of_characters_do_not_matter(item: str, text: str) -> None:
    (one,) = found(item, text)
    assert (one.how, one.share, one.place, one.set) == ("exact", 1.0, "0", "set")
    assert passages(one, item, text) == ([item], [text])


def test_a_passage_of_thirteen_words_is_shown_on_both_sides() -> None:
    text = f"Customer wrote: {CARD[:-28].upper()} and so on, he said, for a very long while about other things."
    (one,) = (finding for finding in found(CARD, text) if finding.how == "overlap")
    mine, theirs = passages(one, CARD, text)
    assert mine[0].lower() == theirs[0].lower() == one.text.lower()
    assert CARD.startswith(mine[0])
    assert one.share == pytest.approx(len(mine[0].split()) / len(CARD.split()))


def test_short_items_are_found_whole_or_not_at_all() -> None:
    eight = "Where do I see my new card's PIN?"
    assert "overlap" in ways(eight, f"Ask them this: {eight} They know.")
    assert ways(eight, "Where do I see my new car? They know all about it.") == set()
    assert ways("What is a PIN?", "They all ask: what is a PIN? And so forth, day in and day out, you see.") == set()


def test_scripts_without_spaces_are_compared_by_characters() -> None:
    item = "我想知道我的新卡什么时候会寄到我家里来呢"
    text = f"客户说:{item}谢谢您的回答和耐心,祝您生活愉快,工作顺利"
    overlap = next(finding for finding in found(item, text) if finding.how == "overlap")
    assert overlap.share == 1.0
    assert passages(overlap, item, text) == ([item], [item])


def test_near_duplicates_have_the_similarity_that_is_told() -> None:
    other = CARD.replace("track", "follow")
    near = next(finding for finding in found(CARD, other) if finding.how == "near")
    assert near.share == pytest.approx(jaccard(normal(CARD), normal(other)))
    mine, theirs = passages(near, CARD, other)
    assert mine == theirs == [CARD[: CARD.index("track") - 1], CARD[CARD.index("it on") : -1]]


def test_meanings_are_compared_where_an_embedding_is_given() -> None:
    def embed(texts: Sequence[str]) -> Any:
        """By the topic that a text names."""
        return np.array([[1.0, 0.0] if "card" in text else [0.0, 1.0] for text in texts], dtype=np.float32)

    one, *more = found("Where is my card?", "has the card been sent out?", "a top-up", embed=embed)
    assert (one.how, one.place, one.share, more) == ("meaning", "0", 1.0, [])
    assert found("Where is my card?", "has the card been sent out?") == []


def test_what_many_items_share_is_their_way_of_asking_and_counted() -> None:
    ask = "Answer the question of the customer below in one short sentence, politely and in plain English:"
    items = [(str(n), f"{ask} {'%030x' % (n * 7919**8)}") for n in range(60)]
    whole = check(items, {"prompt": [("1", ask + " as ever")]})
    assert [finding for finding in whole.found if finding.how == "overlap"] == []
    assert whole.usual > 0


def test_the_best_are_kept_and_the_others_counted() -> None:
    texts = [f"{CARD} {'x' * n}" for n in range(1, 9)]
    whole = check([("item", CARD)], {"set": places(texts)}, Looking(kept=2))
    near = [finding for finding in whole.found if finding.how == "near"]
    assert [finding.place for finding in near] == ["0", "1"]
    assert whole.more == 2 * 6
    assert whole.texts == {"set": 8}


def test_items_with_one_text_each_have_their_findings_with_spans_of_their_own() -> None:
    items = [("a", CARD), ("other", "What else?"), ("b", "  " + CARD.upper() + " ")]
    whole = check(items, {"set": [("1", f"He said: {CARD} Then he left the house without another word to her.")]})
    assert [(f.item, f.how) for f in whole.found if f.how == "overlap"] == [("a", "overlap"), ("b", "overlap")]
    for finding in whole.found:
        text = dict(items)[finding.item]
        assert {text[span.start : span.end].casefold() for span in finding.in_item} == {CARD[:-1].casefold()}


def test_a_text_that_repeats_itself_is_found_once_and_soon() -> None:
    item = "the quick brown fox jumps over " * 20_000
    (one,) = check([("item", item)], {"set": [("1", item[:500] + "and away")]}).found
    assert (one.how, one.in_set) == ("overlap", (Span(0, 499),))


def test_near_duplicates_are_seldom_missed() -> None:
    """Of 300 with a similarity from .8 to .9: 997 in 1000 are to be found."""
    random = np.random.default_rng(7)
    words = ["".join(random.choice(list("abcdefghijkl"), 6)) for _ in range(3000)]
    items, texts = [], []
    for number in range(300):
        chosen = list(random.choice(words, 25, replace=False))
        items.append((str(number), " ".join(chosen)))
        chosen[12] = "zzz"
        texts.append(" ".join(chosen))
    assert all(0.8 <= jaccard(item, text) < 0.95 for (_, item), text in zip(items, texts, strict=True))
    found = {f.item for f in check(items, {"set": places(texts)}).found if f.how == "near"}
    assert len(found) >= 295


def test_digests_name_the_texts_and_not_where_they_stand() -> None:
    one = found(CARD, CARD)[0]
    moved = check([("other", CARD.upper())], {"else": [("9", "no"), ("10", CARD)]}).found[0]
    assert one.digest == moved.digest
    assert one.digest != found(CARD, CARD.replace("track", "follow"))[0].digest


def test_a_huge_line_is_looked_at_in_pieces() -> None:
    for at in (5, LONGEST - 40, LONGEST + 10):
        line = "z" * at + " " + CARD + " " + "y" * LONGEST
        overlap = next(finding for finding in found(CARD, line) if finding.how == "overlap")
        begin = int(overlap.place.rpartition(" ")[2])
        (span,) = overlap.in_set
        assert line[begin + span.start : begin + span.end] == CARD[:-1]


def test_items_and_sets_may_be_empty() -> None:
    nothing = check([], {"empty": [], "blank": [("1", ""), ("2", " \t ")]})
    assert nothing == Findings((), 0, {"empty": 0, "blank": 2})
    assert found("", "", " ") == []
    assert found(" \n", "x") == []


def test_evidence_counts_items_and_leaves_out_the_cleared() -> None:
    whole = check([("a", CARD), ("b", "How do I close it?")], {"few-shot": [("1", CARD), ("2", "how do I close it?")]})
    cleared = {finding.digest: "everybody asks so" for finding in whole.found if finding.item == "b"}
    told = whole.evidence(cleared)
    assert (told.sets, told.found, told.cleared) == (("few-shot",), 1, 1)
    assert [example["item"] for example in told.examples] == ["a"]


@given(st.lists(ANY, max_size=6), st.lists(ANY, max_size=6))
@settings(max_examples=150, deadline=None)
def test_anything_can_be_checked_and_spans_lie_within(items: list[str], texts: list[str]) -> None:
    named = [(str(number), text) for number, text in enumerate(items)]
    for finding in check(named, {"set": places(texts)}).found:
        for spans, text in ((finding.in_item, items[int(finding.item)]), (finding.in_set, texts[int(finding.place)])):
            assert all(0 <= span.start < span.end <= len(text) for span in spans)
        assert 0 < finding.share <= 1


@given(WORDS, ANY, ANY)
@settings(max_examples=100, deadline=None)
def test_an_item_is_found_inside_of_any_text(words: list[str], before: str, after: str) -> None:
    item = " ".join(words)
    text = f"{before} {item} {after}"
    (one,) = (f for f in found(item, text) if f.how in ("exact", "overlap"))
    assert one.share == 1.0
    assert item in "".join(text[span.start : span.end] for span in one.in_set) or one.how == "exact"


@given(ANY, st.data())
@settings(max_examples=200, deadline=None)
def test_words_lead_back_to_their_characters(text: str, data: st.DataObject) -> None:
    whole = normal(text)
    words = words_of([whole])
    spans = [(int(a), int(b)) for a, b in zip(words.start, words.end, strict=True)]
    assert [whole[a:b] for a, b in spans] == [whole[a:b].strip() for a, b in spans]
    for (a, b), span in zip(spans, originals(text, spans), strict=False):
        assert whole[a:b] in normal(text[span.start : span.end])


@given(WORDS, WORDS)
@settings(max_examples=60, deadline=None)
def test_what_two_texts_have_in_common_is_the_same_on_both_sides(one: list[str], other: list[str]) -> None:
    mine, theirs = " ".join(one), " ".join(other)
    spans = common(mine, theirs)
    assert [mine[a:b] for a, b in spans[0]] == [theirs[a:b] for a, b in spans[1]]
    assert 0 <= jaccard(mine, theirs) == jaccard(theirs, mine) <= jaccard(mine, mine) == 1
