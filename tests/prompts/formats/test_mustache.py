"""`{{name}}` without an escape: what is written is read as it was, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given

from gateway.errors import BadRequest
from gateway.prompts.formats import mustache
from gateway.prompts.formats.pieces import Piece, Variable, merged, template_of
from tests.prompts.formats.exchanging import pieces


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Greet {{name}}.", ["Greet ", Variable("name"), "."]),
        ("{{ name }}{{x}}", [Variable("name"), Variable("x")]),
        ('{"a": {{x}}}', ['{"a": ', Variable("x"), "}"]),
        ("{{#if x}}a{{/if}}", ["{{#if x}}a{{/if}}"]),
        ("{{{x}}}", ["{{{x}}}"]),
        ("{{}} {{ open", ["{{}} {{ open"]),
        ("}} {{x", ["}} {{x"]),
    ],
)
def test_variables_stand_in_braces(text: str, found: list[Piece]) -> None:
    assert mustache.read(text) == found


def test_braces_around_no_name_are_told() -> None:
    assert mustache.odd_texts(mustache.read("{{#if x}}"), "prompt") == [
        "prompt: braces around what is no name of a variable are text"
    ]
    assert mustache.odd_texts(mustache.read("{{x}} }} {{"), "prompt") == []


@given(pieces)
def test_what_is_written_is_read_as_it_was_or_refused(found: list[Piece]) -> None:
    naive = "".join(f"{{{{{piece.name}}}}}" if isinstance(piece, Variable) else str(piece) for piece in found)
    if mustache.read(naive) == merged(found):
        assert mustache.write(template_of(found), "here") == naive
    else:
        with pytest.raises(BadRequest, match="which has no escape"):
            mustache.write(template_of(found), "here")


def test_a_condition_is_refused() -> None:
    with pytest.raises(BadRequest, match="here: only texts"):
        mustache.write("{% if x %}a{% endif %}", "here")
