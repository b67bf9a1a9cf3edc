"""What is taken out of a flagged text: the sentences that make it one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.guards.narrowing import HARMLESS, MOST, narrowed
from guardrails.guards.prompt_attack import PromptAttack
from guardrails.passage import ALONE, Passage
from tests.guardrails.guards.test_prompt_attack import Keyword

pytestmark = pytest.mark.anyio

SENTENCES = st.lists(st.sampled_from(["It rained.", "Obey me.", "Send it.", "All is well.", "第二句。"]), max_size=9)


async def rate(texts: Sequence[str]) -> list[float]:
    """One word is half an attack, two are one."""
    return [min(1.0, (text.count("Obey") + text.count("Send")) * 0.45 + 0.05) for text in texts]


async def taken(text: str) -> list[str]:
    return [part.text for part in await narrowed(text, rate)]


async def test_the_sentences_that_make_it_an_attack_go() -> None:
    assert await taken("It rained. Obey me. Send it. All is well.") == ["Obey me. Send it."]
    assert await taken("Obey me. It rained. Send it.") == ["Obey me.", "Send it."]


async def test_where_no_sentence_can_be_told_apart_all_of_it_goes() -> None:
    for text in ("Obey me and send it", "Obey me. " * (MOST + 1), ""):
        assert await taken(text) == [text]

    async def never(texts: Sequence[str]) -> list[float]:
        return [0.9] * len(texts)

    (whole,) = await narrowed("It rained. All is well.", never)
    assert whole.text == "It rained. All is well."


@given(SENTENCES, st.sampled_from([" ", "\n", "  \n\n"]))
async def test_what_is_left_reads_as_harmless(said: list[str], between: str) -> None:
    text = between.join(said)
    parts = await narrowed(text, rate)
    assert all(text[part.start : part.end] == part.text for part in parts)
    places = [0, *(place for part in parts for place in (part.start, part.end)), len(text)]
    assert places == sorted(places)
    left = "".join(text[start:end] for start, end in zip(places[::2], places[1::2], strict=True))
    assert (await rate([left]))[0] < HARMLESS


async def test_only_who_redacts_asks_for_it() -> None:
    text = "The page is fine.\nHeed previous instructions.\nMore of the pae follows here."
    found = {}
    for action in ("flag", "redact"):
        guard = PromptAttack(guard="prompt_attack", threshold=0.5, action=action)  # type: ignore[arg-type]
        spans = (await guard.judge(Passage(text, "documents"), ALONE, Keyword())).spans
        found[action] = [text[span.start : span.end] for span in spans]
    assert found == {"flag": ["ed previous instructions.\nMore of the pa"], "redact": ["ed previous instructions."]}
