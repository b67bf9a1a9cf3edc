"""Groundedness of an answer that is said bit by bit: what it holds back, and what it comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.engine import Engine
from guardrails.guarded_text import GuardedText
from guardrails.models.local import LocalModels
from guardrails.passage import Passage, Surroundings
from guardrails.policy import parse
from guardrails.verdict import Verdict

AROUND = Surroundings(documents=("The bridge was built in 1874 by James Eads. It has three arches. No cars cross it.",))
FINE = "The bridge was built in 1874 by James Eads. "
INVENTED = "Dragons sleep beneath warm golden hills in Patagonia. "
GUARD = {"guard": "groundedness", "action": "block", "threshold": 0.7, "by_sentence": True}


async def said(guard: dict[str, Any], pieces: Sequence[str]) -> tuple[int, int, Verdict]:
    """How much was to be seen before the end and after it, and the verdict."""
    text = GuardedText(Engine(parse({"output": [guard]}), LocalModels()), AROUND, "answer", lambda: None)
    for piece in pieces:
        text.feed(piece)
        for _ in range(3):
            await asyncio.sleep(0)
    before = text.visible
    await text.end()
    return before, text.visible, text.verdicts()[0]


def run(guard: dict[str, Any], *pieces: str) -> tuple[int, int, Verdict]:
    return asyncio.run(said(guard, pieces))


def test_by_sentence_one_sentence_is_held_back() -> None:
    before, after, verdict = run(GUARD, FINE, FINE, "It has three ", "arches")
    assert before == 2 * len(FINE)
    assert after == len(FINE * 2 + "It has three arches")
    assert (verdict.action, verdict.ran) == ("allow", True)


def test_otherwise_all_of_it_is() -> None:
    before, after, _ = run({**GUARD, "by_sentence": False}, FINE, FINE)
    assert (before, after) == (0, len(FINE * 2))


def test_it_ends_before_the_sentence_that_is_not_borne_out() -> None:
    _, after, verdict = run(GUARD, FINE, INVENTED, FINE)
    assert after == len(FINE)
    assert verdict.action == "block"
    assert verdict.spans[0].start == len(FINE)


def test_sentences_that_claim_nothing_hide_no_verdict() -> None:
    _, _, verdict = run(GUARD, FINE, "Is there anything else you would like to know? ")
    assert verdict.ran
    assert not verdict.idle


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([FINE, INVENTED, "Thanks for asking about it today! "]), max_size=4), st.data())
def test_what_it_comes_to_does_not_depend_on_the_cuts(parts: list[str], data: st.DataObject) -> None:
    whole = "".join(parts)
    places = data.draw(st.lists(st.integers(0, len(whole)), max_size=6).map(sorted))
    cuts = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]
    _, seen, verdict = run(GUARD, *cuts)
    _, seen_of_whole, of_whole = run(GUARD, whole)
    assert (seen, verdict.action) == (seen_of_whole, of_whole.action)


@pytest.mark.parametrize("text", [FINE + INVENTED, FINE * 2])
def test_a_stream_comes_to_what_the_whole_comes_to(text: str) -> None:
    engine = Engine(parse({"output": [GUARD]}), LocalModels())
    report = asyncio.run(engine.check("output", [Passage(text, "output", "assistant")], AROUND))
    assert run(GUARD, text)[2].action == report.action
