# ruff: noqa: RUF001 - apostrophes as people write them
from __future__ import annotations

import pytest

from guardrails.grounding.saying import abstains, claiming


@pytest.mark.parametrize(
    "text",
    [
        "I don't know.",
        "I’m not sure about that.",
        "The document does not mention the price.",
        "There is not enough information in the context.",
        "The price is not specified in the text.",
        "We couldn't find it.",
        "Das weiß ich nicht.",
        "Je ne sais pas.",
        "No se menciona.",
        "我不知道。",
    ],
)
def test_abstentions_are_told(text: str) -> None:
    assert abstains(text)
    assert claiming(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "The bridge is 90 m long.",
        "She did not sing.",
        "Knowledge is power.",
        "The law provides for it.",
        "I'm not sure, but it opened in 1912.",
    ],
)
def test_claims_are_no_abstentions(text: str) -> None:
    assert not abstains(text)
    assert [one.text for one in claiming(text)] == [text]


def test_what_claims_nothing_is_left_out() -> None:
    text = (
        "Sure!\n# The bridge\nHere is what I found:\n- It is 90 m long.\n```\nx = 91\n```\nWould you like more? "
        "Let me know if you need more."
    )
    assert [one.text for one in claiming(text)] == ["It is 90 m long."]


def test_a_short_answer_claims_what_it_says() -> None:
    assert [one.text for one in claiming("Paris")] == ["Paris"]
    assert claiming("!!!") == []
