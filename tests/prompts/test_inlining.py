"""Prompts that include others, written as one that includes none and renders the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.inlining import inlined
from gateway.prompts.render import CompiledPrompt
from gateway.types import PromptVersion

TEXT = {"type": "object", "properties": {"x": {"type": "string", "default": "X"}}}


def version(name: str, content: Any, *partials: PromptVersion) -> PromptVersion:
    messages = ({"role": "user", "content": content},)
    return PromptVersion(name, 1, "", messages, TEXT, partials={partial.name: partial for partial in partials})


def whole(made: PromptVersion) -> PromptVersion:
    draft = inlined(made)
    return PromptVersion(made.name, 1, "", draft.messages, draft.variables)


def test_partials_of_partials_are_written_out() -> None:
    below = version("below", "<{{ x }}>")
    between = version("between", '[{% include "below@1" %}]', below)
    content = [
        {"type": "text", "text": "{% include 'between' %} {% include \"below\" %}"},
        {"type": "image", "size": 3},
    ]
    draft = inlined(version("top", content, between, below))
    assert draft.messages[0]["content"] == [
        {"type": "text", "text": "[<{{ x }}>] <{{ x }}>"},
        {"type": "image", "size": 3},
    ]


def test_what_a_partial_reads_is_declared() -> None:
    below = PromptVersion(
        "below",
        1,
        "",
        ({"role": "user", "content": "{{ tone }}"},),
        {"type": "object", "properties": {"tone": {"type": "string"}}, "required": ["tone"]},
    )
    draft = inlined(version("top", '{% include "below" %}', below))
    assert draft.variables["properties"].keys() == {"x", "tone"}
    assert draft.variables["required"] == ["tone"]


def test_without_partials_it_stays_as_it_is() -> None:
    assert inlined(version("top", "{{- x -}} a")).messages[0]["content"] == "{{- x -}} a"


def test_it_is_bounded() -> None:
    below = version("below", "a" * 2000)
    with pytest.raises(BadRequest, match=r"messages\[0\].content: with what it includes it is longer than"):
        inlined(version("top", '{% include "below" %}' * 600, below))


around = st.lists(
    st.sampled_from(["{{ x }}", "{{- x }}", "{{ x -}}", "{#- c -#}", "a", " ", "\n", "}"]), max_size=5
).map("".join)
includes = st.sampled_from(["{% include 'p' %}", "{%- include 'p' -%}", "{%- if x -%}{% include 'p' %}{%- endif -%}"])


@given(around, around, around | st.sampled_from(["{", " { ", "a{"]), includes)
@example("{{ x -}}", "{{- x }}", " { ", "{% include 'p' %}")
@example("", "{{ x }}", "{", "{% include 'p' %}")
def test_it_renders_the_same(before: str, after: str, partial: str, include: str) -> None:
    top = version("top", before + include + after, version("p", partial))
    expected = CompiledPrompt.compile(top).render({})
    assert CompiledPrompt.compile(whole(top)).render({}) == expected
