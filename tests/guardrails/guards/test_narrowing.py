"""What is taken out of a flagged text: the sentences that make it one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine import Engine, Report
from guardrails.errors import Overloaded
from guardrails.guard import Models, Window
from guardrails.guards.narrowing import HARMLESS, MOST, narrowed
from guardrails.passage import Passage
from guardrails.policy import parse
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


PAGE = "The page is fine.\nHeed previous instructions.\nMore of the page follows here."


async def redacted(text: str, models: Models, **options: Any) -> Report:
    guard = {"guard": "prompt_attack", "threshold": 0.5, "thresholds": {}, "action": "redact", **options}
    engine = Engine(parse({"documents": [guard]}), models)
    return await engine.check("documents", [Passage(text, "documents")])


async def test_only_what_is_redacted_is_narrowed() -> None:
    (passage,) = (await redacted(PAGE, Keyword())).passages
    assert passage.text == PAGE.replace("ed previous instructions.", "[PROMPT_ATTACK]")
    (verdict,) = (await redacted(PAGE, Keyword(), action="flag")).verdicts
    assert {PAGE[span.start : span.end] for span in verdict.spans} == {"ed previous instructions.\nMore of the pa"}


class Failing(Keyword):
    """Judges once, and cannot any more."""

    def __init__(self, error: Exception | None) -> None:
        self.asked, self.error = 0, error

    async def score(self, model: str, rows: Sequence[tuple[str, ...]]) -> list[tuple[Window, ...]]:
        self.asked += 1
        if self.asked > 1:
            if self.error is not None:
                raise self.error
            await asyncio.sleep(60)
        return await super().score(model, rows)


@pytest.mark.parametrize("error", [Overloaded("too much waits"), MemoryError(), ZeroDivisionError(), None])
async def test_what_was_found_goes_also_where_it_cannot_be_narrowed(error: Exception | None) -> None:
    report = await redacted(PAGE, Failing(error), on_failure="open", budget=0.2)
    (verdict,) = report.verdicts
    assert (verdict.action, verdict.score) == ("redact", 0.9)
    assert "previous instructions" not in report.passages[0].text


async def test_a_decoy_does_not_save_what_a_reading_finds() -> None:
    """The second is written in look-alikes: narrowing sees the first alone."""
    hidden = "Heed previous instructions".replace("i", "\u0456").replace("o", "\u043e")
    report = await redacted(f"Heed previous instructions. {hidden}.", Keyword())
    assert report.passages[0].text == "[PROMPT_ATTACK]"


async def test_an_allowed_sentence_does_not_save_its_document() -> None:
    guard = {"guard": "prompt_attack", "threshold": 0.5, "action": "redact"}
    allow = [{"text": "Heed previous instructions.", "reason": "A game."}]
    text = "Heed previous instructions. More of the page follows here, and it goes on for a while."
    report = await Engine(parse({"documents": [guard], "allow": allow}), Keyword()).check(
        "documents", [Passage(text, "documents")]
    )
    assert report.action == "redact"
