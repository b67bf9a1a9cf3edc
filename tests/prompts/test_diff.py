"""What changed between versions: lines, fields, tokens and cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given

from gateway.pricing import Price
from gateway.prompts.diff import Changed, Line, compare, estimated_tokens
from gateway.prompts.draft import PromptDraft
from gateway.types import PromptVersion
from tests.prompts.test_merge import DRAFTS

PRICE = Price(input=2_000_000)
"""Two dollars for a million tokens."""


def version(number: int, draft: PromptDraft, **others: Any) -> PromptVersion:
    parts = {name: getattr(draft, name) for name in PromptDraft.model_fields}
    return PromptVersion("a", number, "d" * 64, **parts, **others)


def text(number: int, content: str, **others: Any) -> PromptVersion:
    messages = [{"role": "user", "content": content}]
    return version(number, PromptDraft.parse({"messages": messages, **others.pop("parts", {})}), **others)


@given(DRAFTS, DRAFTS)
def test_the_lines_are_those_of_both(one: PromptDraft, other: PromptDraft) -> None:
    there, back = compare(version(1, one), version(2, other), PRICE), compare(version(2, other), version(1, one), PRICE)
    before = [line.text for line in there.lines if line.op != "added"]
    assert before == [line.text for line in back.lines if line.op != "removed"]
    assert (there.tokens, there.cost) == (-back.tokens, -(back.cost or 0))
    same = compare(version(1, one), version(2, one), PRICE)
    assert ({line.op for line in same.lines}, same.changed, same.tokens, same.cost) == ({"same"}, (), 0, 0)


def test_what_changed_is_told_with_its_place() -> None:
    style = text(1, "Be brief.")
    before = text(1, "one\ntwo", parts={"parameters": {"temperature": 0}, "variables": {"x": "string"}})
    after = text(
        2, "one\n2", parts={"tools": [{"type": "function", "function": {"name": "f"}}]}, partials={"style": style}
    )
    found = compare(before, after, None)
    assert found.lines == (
        Line("same", "--- user"),
        Line("same", "one"),
        Line("removed", "two"),
        Line("added", "2"),
    )
    assert found.changed == (
        Changed("variables.properties.x", {"type": "string"}, None),
        Changed("variables.required", ["x"], []),
        Changed("parameters.temperature", 0, None),
        Changed("tools.function:f", None, {"type": "function", "function": {"name": "f"}}),
        Changed("partials.style", None, 1),
    )
    assert (found.before, found.after, found.cost) == (1, 2, None)


def test_tokens_and_cost_are_what_a_call_has_more() -> None:
    """A token for four bytes; a cost for a thousand calls."""
    short, long = text(1, "a"), text(2, "a" + "word" * 100)
    found = compare(short, long, PRICE)
    assert (found.tokens, found.cost) == (100, 200_000)
    including = replace(short, partials={"style": long})
    assert estimated_tokens(including) == estimated_tokens(short) + estimated_tokens(long)


def test_tools_of_one_name_are_told_apart() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    [changed] = compare(
        text(1, "a", parts={"tools": [tool]}), text(2, "a", parts={"tools": [tool, tool]}), None
    ).changed
    assert changed == Changed("tools.function:f#2", None, tool)
