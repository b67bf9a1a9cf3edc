from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.passage import Passage
from guardrails.pii import vault as module
from guardrails.pii.vault import Revealer, Vault, hashed, taken_out
from guardrails.verdict import Span, Verdict

PIECES = st.lists(
    st.tuples(st.text("abZ_[]12 @", max_size=6), st.text('xyz@[1_] "', min_size=1, max_size=6), st.sampled_from("AB")),
    max_size=6,
)
NOISE = st.text("[]AB_1234 x", max_size=40)


def hidden(start: int, end: int, label: str) -> Span:
    return Span(start, end, label, by="vault")


def laid(pieces: list[tuple[str, str, str]]) -> tuple[str, list[Span]]:
    text, spans = "", []
    for before, value, label in pieces:
        start = len(text) + len(before)
        text += before + value
        spans.append(hidden(start, len(text), label))
    return text, spans


def fed(revealer: Revealer, text: str, cuts: list[int]) -> str:
    """What is seen of a text that comes in these pieces, as far as nothing that comes can change it each time."""
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    out, seen = "", 0
    for start, end in pairwise(places):
        revealer.feed(text[start:end])
        upto = revealer.before(end)
        out += revealer.shown(text[seen:upto], seen)
        seen = upto
    revealer.end()
    return out + revealer.shown(text[seen:], seen)


def test_the_same_value_has_one_placeholder() -> None:
    vault = Vault()
    text = "a@b.de wrote to c@d.de, and a@b.de again"
    spans = [hidden(0, 6, "EMAIL"), hidden(16, 22, "EMAIL"), hidden(28, 34, "EMAIL")]
    assert vault.hide(text, spans) == "[EMAIL_1] wrote to [EMAIL_2], and [EMAIL_1] again"
    assert vault.reveal("Ask [EMAIL_2], not [EMAIL_3].") == "Ask c@d.de, not [EMAIL_3]."


def test_a_placeholder_that_the_call_has_of_its_own_is_not_given_out() -> None:
    vault = Vault()
    vault.avoid("and what is [EMAIL_2]?")
    shown = vault.hide("[EMAIL_1] is not a@b.de", [hidden(17, 23, "EMAIL")])
    assert shown == "[EMAIL_1] is not [EMAIL_3]"
    assert vault.reveal(shown + ", nor [EMAIL_2]") == "[EMAIL_1] is not a@b.de, nor [EMAIL_2]"


def test_what_is_over_the_bound_is_masked() -> None:
    vault = Vault()
    text = "".join(f"{number:06}" for number in range(module.MOST + 1))
    spans = [hidden(at, at + 6, "PHONE") for at in range(0, len(text), 6)]
    assert vault.hide(text, spans).endswith(f"[PHONE_{module.MOST}][PHONE]")


@pytest.mark.parametrize("label", ["2fa code", "case no.", "a.b-c", "Straße", "-", "x" * 64, "line_9"])
def test_whatever_a_find_is_called_its_value_comes_back(label: str) -> None:
    vault = Vault()
    assert vault.reveal(vault.hide("it is 17", [hidden(6, 8, label)])) == "it is 17"


@given(PIECES)
def test_what_was_hidden_comes_back(pieces: list[tuple[str, str, str]]) -> None:
    text, spans = laid(pieces)
    vault = Vault()
    assert vault.reveal(vault.hide(text, spans)) == text


@given(PIECES, NOISE, st.lists(st.integers(0, 120), max_size=10))
def test_where_an_answer_is_cut_changes_nothing(
    pieces: list[tuple[str, str, str]], noise: str, cuts: list[int]
) -> None:
    vault = Vault()
    answer = vault.hide(*laid(pieces)) + noise
    assert fed(vault.revealer(), answer, cuts) == vault.reveal(answer)


def test_no_more_is_held_back_than_a_placeholder_is_long() -> None:
    vault = Vault()
    vault.hide("a@b.de", [hidden(0, 6, "EMAIL")])
    revealer = vault.revealer()
    revealer.feed("a [ b, and [EMAIL_1")
    assert revealer.settled == len("a [ b, and ")
    revealer.feed("[" + "A" * 60)
    assert revealer.settled == revealer.length
    assert revealer.spans == []


def test_where_nothing_was_hidden_nothing_is_held_back() -> None:
    revealer = Vault().revealer()
    revealer.feed("see [EMAIL_")
    assert revealer.before(11) == 11


@given(st.text(max_size=12))
def test_in_json_a_value_is_part_of_a_string(value: str) -> None:
    vault = Vault()
    told = json.dumps({"to": vault.hide(value, [hidden(0, len(value), "NAME")])} if value else {})
    assert json.loads(fed(vault.revealer(as_json=True), told, [9])) == ({"to": value} if value else {})


def test_a_hash_is_the_same_under_one_key_and_another_under_another() -> None:
    span = Span(0, 6, "EMAIL", by="hash")
    one = hashed(span, "a@b.de", b"key")
    assert one == Vault(b"key").hide("a@b.de", [span])
    assert one.startswith("[EMAIL:")
    assert len({one, hashed(span, "a@b.de", b"other"), hashed(span, "c@d.de", b"key")}) == 3


def test_without_a_key_a_hash_tells_values_apart_in_one_call_alone() -> None:
    text, spans = "ab ab cd", [Span(start, start + 2, "X", by="hash") for start in (0, 3, 6)]
    one, same, other = Vault().hide(text, spans).split()
    assert one == same != other
    assert one != Vault().hide("ab", spans[:1])


def test_what_is_not_redacted_in_one_way_is_masked() -> None:
    spans = [hidden(0, 4, "URL"), Span(2, 6, "SECRET")]
    assert Vault().hide("abcdefgh", spans) == "[URL]gh"


def test_passages_share_their_placeholders() -> None:
    passages = [Passage("I am Ada.", source="a"), Passage("Is [NAME_1] Ada?", source="b"), Passage("Ada", source="c")]
    verdict = Verdict("pii", "input", "a", "redact", 1.0, 0.5, 0.0, (hidden(5, 8, "NAME"),))
    other = replace(verdict, source="b", spans=(hidden(12, 15, "NAME"),))
    shown = taken_out(passages, [verdict, other, replace(verdict, source="c", action="flag")], Vault())
    assert [one.text for one in shown] == ["I am [NAME_2].", "Is [NAME_1] [NAME_2]?", "Ada"]
