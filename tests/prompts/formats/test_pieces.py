"""Texts that mean themselves in a template, and variables between them."""

from __future__ import annotations

import pytest
from hypothesis import example, given

from gateway.errors import BadRequest
from gateway.prompts.formats.pieces import (
    Piece,
    Variable,
    each_text,
    include,
    is_variable,
    merged,
    pieces_of,
    template_of,
    variable,
)
from gateway.prompts.template import Template
from tests.prompts.formats.exchanging import VALUES, pieces


@given(pieces)
@example(["{", Variable("x")])
@example(["{", "% raw %}"])
@example(["{{{%", Variable("x"), "}"])
@example(["{\r{"])
@example(["\r\n", "{#", Variable("x"), "-"])
def test_every_text_means_itself(found: list[Piece]) -> None:
    template = template_of(found)
    assert pieces_of(template, "here") == merged(found)
    expected = "".join(VALUES[piece.name] if isinstance(piece, Variable) else str(piece) for piece in found)
    assert Template.compile(template, "here").render(VALUES) == expected


def test_what_includes_another_says_so() -> None:
    assert template_of(["{", include("a/b"), "!"]) == '{{ "{" }}{% include "a/b" %}!'


@pytest.mark.parametrize(
    "template", ["{% if a %}b{% endif %}", "{{ a.b }}", "{{ a | upper }}", '{% include "a" %}', "{{ a ~ b }}"]
)
def test_what_is_more_is_not_in_pieces(template: str) -> None:
    assert pieces_of(template, "here") is None


def test_a_constant_is_a_text() -> None:
    assert pieces_of('a{{ "b" }}{{ 1 }}{{ true }}', "here") == ["ab1true"]


@pytest.mark.parametrize(
    ("name", "is_one"), [("a", True), ("é_1", True), ("true", False), ("not", False), ("a b", False)]
)
def test_some_words_name_no_variable(name: str, is_one: bool) -> None:
    assert is_variable(name) is is_one


def test_a_name_that_cannot_be_is_refused_by_its_place() -> None:
    with pytest.raises(BadRequest, match="prompt: '1st' cannot be the name of a variable"):
        variable("1st", "prompt")


def test_the_strings_of_a_part_are_texts_but_its_type() -> None:
    content = [{"type": "image_url", "image_url": {"url": "u", "size": 3}}]
    changed = each_text(content, "here", lambda text, at: f"{at}={text}")
    assert changed == [{"type": "image_url", "image_url": {"url": "here[0].image_url.url=u", "size": 3}}]
