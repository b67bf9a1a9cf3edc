"""Moderations: what may be asked, and results that OpenAI's own types can read."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import ModerationCreateResponse
from openai.types.moderation import Categories

from gateway.errors import GatewayError
from gateway.wire.moderations import (
    CATEGORIES,
    GUARD,
    MOST_CHARACTERS,
    MOST_INPUTS,
    OURS,
    answer,
    read,
    result,
    score,
)
from guardrails.guard import Window
from guardrails.guards.moderation import PLACES, Category

SCORES = st.floats(0, 1)
WINDOWS = st.lists(
    st.builds(Window, st.just(0), st.just(9), st.tuples(SCORES, SCORES, SCORES, SCORES, SCORES, SCORES)), max_size=4
)
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def texts(given: Any) -> list[tuple[str, str]]:
    return [(one.text, one.source) for one in read({"input": given}).inputs]


def test_what_may_be_asked() -> None:
    assert texts("one") == [("one", "input")]
    assert texts(["one", ""]) == [("one", "input.0"), ("", "input.1")]
    assert texts([{"type": "text", "text": "one"}, {"type": "text", "text": ""}]) == [("one\n", "input")]
    assert read({"input": "x", "model": None}).model is None
    assert read({"input": "x", "model": "omni-moderation-latest"}).model == "omni-moderation-latest"
    assert read({"input": "x", "model": "sluice-moderation"}).model == "sluice-moderation"


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "input", "missing_required_parameter"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": 5}, "input", "invalid_type"),
        ({"input": []}, "input", "invalid_type"),
        ({"input": [1, 2]}, "input", "invalid_type"),
        ({"input": ["a", {"type": "text", "text": "b"}]}, "input", "invalid_type"),
        ({"input": ["a"] * (MOST_INPUTS + 1)}, "input", "invalid_value"),
        ({"input": "a" * (MOST_CHARACTERS + 1)}, "input", "invalid_value"),
        ({"input": ["a" * MOST_CHARACTERS, "b"]}, "input", "invalid_value"),
        ({"input": [{"text": "a"}]}, "input[0].type", "missing_required_parameter"),
        ({"input": [{"type": "text"}]}, "input[0].text", "missing_required_parameter"),
        ({"input": [{"type": "text", "text": 5}]}, "input[0].text", "invalid_type"),
        ({"input": [{"type": "text", "text": "a"}, IMAGE]}, "input[1].image_url", "unsupported_parameter"),
        ({"input": [{"type": "input_audio"}]}, "input[0].type", "invalid_value"),
        ({"input": "a", "model": 5}, "model", "invalid_type"),
        ({"input": "a", "model": "gpt-5"}, "model", "model_not_found"),
        ({"input": "a", "stream": True}, "stream", "unknown_parameter"),
        ({"Input": "a"}, "Input", "invalid_field_name"),
    ],
)
def test_what_may_not(body: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(GatewayError) as caught:
        read(body)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert caught.value.status in (400, 404)


def test_the_categories_are_openai_s_and_the_map_is_whole() -> None:
    assert {field.alias or name for name, field in Categories.model_fields.items()} == set(CATEGORIES)
    assert sorted(own for ours in OURS.values() for own in ours) == sorted(get_args(Category))
    assert set(PLACES.values()) == set(get_args(Category))


@given(st.lists(WINDOWS, min_size=1, max_size=3))
def test_an_answer_is_what_openai_s_client_reads(read: list[list[Window]]) -> None:
    said = answer("modr-1", read)
    told = ModerationCreateResponse.model_validate(said)
    assert (told.id, told.model, len(told.results)) == ("modr-1", "sluice-moderation", len(read))
    for windows, one in zip(read, said["results"], strict=True):
        scores, judged = one["category_scores"], one["category_applied_input_types"]
        assert one["flagged"] == any(one["categories"].values()) == (score(windows) >= GUARD.threshold)
        assert one["sluice"]["score"] == score(windows)
        for name in CATEGORIES:
            assert 0 <= scores[name] <= 1
            assert judged[name] == (["text"] if windows and name in OURS else [])
            assert judged[name] or scores[name] == 0
            assert judged[name] or not one["categories"][name]
            if one["categories"][name]:
                assert scores[name] >= 0.5 or scores[name] == max(scores.values())


@given(WINDOWS, st.integers(0, 3))
def test_more_to_read_makes_nothing_milder(windows: list[Window], less: int) -> None:
    more, part = result(windows), result(windows[:less])
    assert all(part["category_scores"][name] <= more["category_scores"][name] for name in CATEGORIES)
    assert more["flagged"] or not part["flagged"]


@pytest.mark.parametrize(("place", "category"), [(2, "illicit"), (3, "hate"), (4, "harassment"), (5, "harassment")])
def test_each_of_the_guard_s_categories_has_its_place(place: int, category: str) -> None:
    scores = tuple(0.99 if at in (1, place) else 0.01 for at in range(6))
    one = result([Window(0, 9, scores)])
    assert [name for name, held in one["categories"].items() if held] == [category]
    assert one["sluice"]["category_scores"][PLACES[place]] == 0.99
