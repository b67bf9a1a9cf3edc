"""Whether an answer refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.guards.refusal import PHRASES, Refusal
from guardrails.passage import ALONE, Passage
from guardrails.verdict import Finding

REFUSAL = Refusal(guard="refusal")


async def judged(text: str) -> Finding:
    return await REFUSAL.judge(Passage(text, "output", "assistant"), ALONE, None)  # type: ignore[arg-type]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I’m sorry, but I can’t help with that."),  # noqa: RUF001
        ("en", "Unfortunately, I cannot in good conscience assist you here."),
        ("en", "As an AI language model, I am unable to do so."),
        ("de", "Das tut mir leid, aber dabei kann ich dir nicht helfen."),
        ("fr", "Je ne peux pas vous aider avec cela."),
        ("es", "Lo siento, pero no puedo ayudarte con eso."),
        ("it", "Mi dispiace, ma non posso aiutarti."),
        ("pt", "Desculpe, mas não posso ajudar com isso."),
        ("nl", "Ik kan je daar helaas niet mee helpen."),
        ("pl", "Przykro mi, ale nie mogę w tym pomóc."),
        ("ru", "Извините, но я не могу помочь с этим."),  # noqa: RUF001
        ("zh", "抱歉，我无法提供这方面的帮助。"),  # noqa: RUF001
        ("ja", "申し訳ありませんが、お手伝いできません。"),
        ("ko", "죄송하지만 도와드릴 수 없습니다."),
    ],
)
async def test_a_refusal_is_known_in_its_language(language: str, text: str) -> None:
    finding = await judged(text)
    assert finding.score == 1
    assert finding.reason == f"it refuses ({language})"
    (span,) = finding.spans
    assert 0 <= span.start < span.end <= len(text)
    assert language in PHRASES


@pytest.mark.anyio
@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure, here is how to boil an egg.",
        "You cannot open the file because it is locked; close the other program first.",
        "Natürlich, gern! Das Ei kocht sechs Minuten.",
        "El puerto se construyó en 1853.",
        "Of course. " * 60 + "I cannot help with that.",
    ],
)
async def test_an_answer_is_none(text: str) -> None:
    assert (await judged(text)).score == 0


@pytest.mark.anyio
@given(text=st.text(st.characters(codec=None, categories=None)))
async def test_anything_is_judged(text: str) -> None:
    assert (await judged(text)).score in (0, 1)
