"""A version as JSON: read as it was written, however its partials lie in each other."""

from __future__ import annotations

from dataclasses import replace

import orjson

from gateway.prompts.published import as_json, read
from gateway.prompts.render import CompiledPrompt
from gateway.types import PromptVersion

LEAF = PromptVersion(
    name="leaf",
    number=1,
    digest="a" * 64,
    messages=({"role": "user", "content": "leaf {{ x }}"},),
    variables={"type": "object", "properties": {"x": {"type": "string", "default": "!"}}},
    parameters={"temperature": 0},
    tools=({"type": "custom"},),
    response_format={"type": "json_object"},
    branch="terse",
    parent=3,
    merged=2,
    message="Why.",
    author="ada",
    created=1.5,
    aliases=("pmpt_1",),
)


def including(name: str, *partials: PromptVersion) -> PromptVersion:
    content = " ".join(f'{{% include "{partial.name}" %}}' for partial in partials)
    held = {partial.name: partial for partial in partials}
    return replace(LEAF, name=name, messages=({"role": "user", "content": content},), partials=held)


def test_it_is_read_as_it_was_written() -> None:
    whole = including("whole", including("left", LEAF), including("right", LEAF))
    body = orjson.loads(orjson.dumps(as_json(whole)))
    assert [one["name"] for one in body["included"]] == ["leaf", "left", "right"]
    assert read(body) == whole
    assert CompiledPrompt.compile(read(body)).render({}) == [{"role": "user", "content": "leaf ! leaf !"}]


def test_two_versions_of_a_partial_are_told_apart() -> None:
    older, newer = LEAF, replace(LEAF, number=2, messages=({"role": "user", "content": "newer"},))
    whole = including("whole", including("left", older), newer)
    assert read(as_json(whole)) == whole
