from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.pii import vault as module
from guardrails.pii.vault import Vault, hashed
from guardrails.verdict import Span

PIECES = st.lists(
    st.tuples(st.text("abZ_<>12 @", max_size=6), st.text("xyz@<1_> ", min_size=1, max_size=6), st.sampled_from("AB")),
    max_size=6,
)
NOISE = st.text("<>AB_1234 x", max_size=40)


def laid(pieces: list[tuple[str, str, str]]) -> tuple[str, list[Span]]:
    text, spans = "", []
    for before, value, label in pieces:
        start = len(text) + len(before)
        text += before + value
        spans.append(Span(start, len(text), label))
    return text, spans


def test_the_same_value_has_one_placeholder() -> None:
    vault = Vault()
    text = "a@b.de wrote to c@d.de, and a@b.de again"
    spans = [Span(0, 6, "EMAIL"), Span(16, 22, "EMAIL"), Span(28, 34, "EMAIL")]
    hidden = vault.hide(text, spans)
    assert hidden == "<EMAIL_1> wrote to <EMAIL_2>, and <EMAIL_1> again"
    assert vault.reveal("Ask <EMAIL_2>, not <EMAIL_3>.") == "Ask c@d.de, not <EMAIL_3>."


def test_a_placeholder_that_the_text_has_of_its_own_is_not_given_out() -> None:
    vault = Vault()
    hidden = vault.hide("<EMAIL_1> is not a@b.de", [Span(17, 23, "EMAIL")])
    assert hidden == "<EMAIL_1> is not <EMAIL_2>"
    assert vault.reveal(hidden) == "<EMAIL_1> is not a@b.de"


def test_what_is_over_the_bound_is_masked() -> None:
    vault = Vault()
    text = "".join(f"{number:06}" for number in range(module.MOST + 1))
    spans = [Span(at, at + 6, "PHONE") for at in range(0, len(text), 6)]
    assert vault.hide(text, spans).endswith(f"<PHONE_{module.MOST}>[PHONE]")


@given(PIECES)
def test_what_was_hidden_comes_back(pieces: list[tuple[str, str, str]]) -> None:
    text, spans = laid(pieces)
    vault = Vault()
    assert vault.reveal(vault.hide(text, spans)) == text


@given(PIECES, NOISE, st.data())
def test_where_an_answer_is_cut_changes_nothing(
    pieces: list[tuple[str, str, str]], noise: str, data: st.DataObject
) -> None:
    vault = Vault()
    answer = vault.hide(*laid(pieces)) + noise
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=8)))
    revealer = vault.revealer()
    out, at = "", 0
    for cut in [*cuts, len(answer)]:
        out += revealer.feed(answer[at:cut])
        at = cut
    assert out + revealer.end() == vault.reveal(answer)


def test_no_more_is_held_back_than_a_placeholder_is_long() -> None:
    revealer = Vault().revealer()
    assert revealer.feed("a < b, and <EMAIL_1") == "a < b, and "
    assert revealer.feed("<" + "A" * 40) == "<EMAIL_1<" + "A" * 40


def test_a_hash_is_the_same_for_one_tenant_and_another_for_another() -> None:
    span = Span(0, 6, "EMAIL")
    one = hashed(span, "a@b.de", b"key", "team-a")
    assert one == hashed(span, "a@b.de", b"key", "team-a")
    assert one.startswith("[EMAIL:")
    assert len({one, hashed(span, "a@b.de", b"key", "team-b"), hashed(span, "a@b.de", b"other", "team-a")}) == 3
