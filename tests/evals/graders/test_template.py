"""Templates of graders: paths and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import BadInput
from evals.graders.template import MOST_FILLED, check, fill

SPACE = {"item": {"q": "Why?", "turns": [{"text": "a"}, {"text": "b"}], "n": 3, "tag": "{{item.q}}"}, "sample": {}}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{item.q}} {{ item.n }}", "Why? 3"),
        ("{{item.turns[1].text}}{{item.turns.0.text}}", "ba"),
        ("{{item.turns}}", '[{"text":"a"},{"text":"b"}]'),
        ("{ {item.q} } {item.q}", "{ {item.q} } {item.q}"),
    ],
)
def test_tags_are_filled(text: str, filled: str) -> None:
    assert fill(text, SPACE) == filled


def test_what_is_put_in_is_no_template() -> None:
    assert fill("{{item.tag}}", SPACE) == "{{item.q}}"


@pytest.mark.parametrize("path", ["item.missing", "sample.output_text", "other", "item.turns[7]", "item.q.upper"])
def test_a_path_to_nothing_is_named(path: str) -> None:
    with pytest.raises(BadInput, match="There is no"):
        fill("{{" + path + "}}", SPACE)


@pytest.mark.parametrize("tag", ["item.q | upper", "item.q()", "1 + 1", "", "item['q']", "item..q"])
def test_a_tag_is_a_path(tag: str) -> None:
    with pytest.raises(BadInput, match="no path"):
        check("{{" + tag + "}}")


def test_what_is_filled_is_bounded() -> None:
    with pytest.raises(BadInput, match="more than"):
        fill("{{item.q}}" * 20, {"item": {"q": "x" * (MOST_FILLED // 10)}})


@given(st.text().filter(lambda text: "{{" not in text))
def test_a_text_without_tags_stays_as_it_is(text: str) -> None:
    assert fill(text, {"item": {}}) == text
