"""Partials: pinned when a prompt is saved, joined in their variables, bounded in levels and number."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.errors import BadRequest
from gateway.prompts import labels
from gateway.prompts.partials import MAX_LEVELS, MAX_PARTIALS
from gateway.types import Principal
from tests.prompts.saving import rendered, save

APPROVER = Principal("key_1", "k", frozenset(("approver",)), owner="carol")


def test_what_is_included_stays_as_it_was(connection: Connection) -> None:
    save(connection, "style", "Be {{ tone }}.", variables={"tone": {"type": "string", "default": "brief"}})
    saved = save(connection, "a", '{% include "style" %} Greet {{ name }}.', variables={"name": "string"})
    assert {name: partial.number for name, partial in saved.version.partials.items()} == {"style": 1}
    save(connection, "style", "Never be {{ tone }}.", variables={"tone": {"type": "string", "default": "brief"}})
    assert rendered(connection, "a", name="Ada") == ["Be brief. Greet Ada."]
    assert rendered(connection, "a", name="Ada", tone="kind") == ["Be kind. Greet Ada."]
    again = save(connection, "a", '{% include "style" %} Greet {{ name }}.', variables={"name": "string"})
    assert again.created
    assert rendered(connection, "a", name="Ada") == ["Never be brief. Greet Ada."]


def test_a_version_or_a_label_can_be_written(connection: Connection) -> None:
    for text in ("one", "two", "three"):
        save(connection, "style", text)
    labels.move(connection, "style", "production", "2", APPROVER, "Tried.")
    for reference, text in (
        ("style@1", "one"),
        ("style@latest", "three"),
        ("style@production", "two"),
        ("style", "two"),
    ):
        save(connection, "a", f'{{% include "{reference}" %}}')
        assert rendered(connection, "a") == [text]


def test_a_variable_the_includer_declares_is_its_own(connection: Connection) -> None:
    save(connection, "style", "{{ tone }}", variables={"tone": "string"})
    save(connection, "a", '{% include "style" %}', variables={"tone": {"type": "string", "default": "kind"}})
    assert rendered(connection, "a") == ["kind"]


def include(*names: str) -> str:
    return "".join(f'{{% include "{name}" %}}' for name in names)


def test_cycles_are_refused(connection: Connection) -> None:
    save(connection, "a", "text")
    save(connection, "b", include("a"))
    for content in (include("b"), include("a"), include("b@1")):
        with pytest.raises(BadRequest) as refused:
            save(connection, "a", content)
        assert refused.value.code == "invalid_partial"


def test_levels_and_numbers_are_bounded(connection: Connection) -> None:
    save(connection, "p0", "text")
    for level in range(MAX_LEVELS):
        save(connection, f"p{level + 1}", include(f"p{level}"))
    assert rendered(connection, f"p{MAX_LEVELS}") == ["text"]
    with pytest.raises(BadRequest, match="levels deep"):
        save(connection, "deeper", include(f"p{MAX_LEVELS}"))
    for number in range(MAX_PARTIALS + 1):
        save(connection, f"q{number}", f"text {number}")
    save(connection, "wide", include(*(f"q{number}" for number in range(MAX_PARTIALS))))
    with pytest.raises(BadRequest, match="more than"):
        save(connection, "wider", include(*(f"q{number}" for number in range(MAX_PARTIALS + 1))))


@pytest.mark.parametrize(
    ("contents", "others"),
    [
        (("one", "two"), {}),
        (("{{ x }}",), {"variables": {"type": "object", "properties": {"x": {}}, "$defs": {}}}),
    ],
)
def test_what_cannot_be_included(connection: Connection, contents: tuple[str, ...], others: dict[str, Any]) -> None:
    save(connection, "style", *contents, **others)
    with pytest.raises(BadRequest) as refused:
        save(connection, "a", include("style"))
    assert refused.value.code == "invalid_partial"


def test_one_prompt_is_included_in_one_version(connection: Connection) -> None:
    save(connection, "style", "one")
    save(connection, "style", "two")
    with pytest.raises(BadRequest, match="two versions"):
        save(connection, "a", include("style@1", "style@2"))
