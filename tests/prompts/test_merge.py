"""Three-way merges: what either side changed is there, what both changed differently is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.prompts.draft import PromptDraft
from gateway.prompts.merge import Clash, merge_drafts, spans, tools_by_name

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "{{ x }}", ""]), max_size=6).map("\n".join)
PARTS = st.lists(st.builds(lambda text: {"type": "text", "text": text}, TEXTS), max_size=2)
MESSAGES = st.builds(
    lambda role, content: {"role": role, "content": content}, st.sampled_from(["system", "user"]), TEXTS | PARTS
)
DRAFTS = st.builds(
    lambda messages, parameters, tools: PromptDraft.parse(
        {"messages": messages, "parameters": parameters, "tools": [tool(name) for name in tools]}
    ),
    st.lists(MESSAGES, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(["temperature", "top_p"]), st.sampled_from([0, 0.5, 1]), max_size=2),
    st.lists(st.sampled_from("fgh"), max_size=2, unique=True),
)
TOOLS = st.lists(
    st.builds(lambda name, text: tool(name, description=text), st.sampled_from("fg"), st.sampled_from("ab"))
    | st.builds(lambda kind, size: {"type": kind, "size": size}, st.sampled_from("xy"), st.sampled_from([1, 2])),
    max_size=3,
)


def tool(name: str, **others: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **others}}


def draft(*contents: Any, **others: Any) -> PromptDraft:
    return PromptDraft.parse({"messages": [{"role": "user", "content": content} for content in contents], **others})


def text(merged: PromptDraft) -> list[Any]:
    return [message["content"] for message in merged.messages]


@given(DRAFTS, DRAFTS)
def test_what_one_side_left_alone_is_as_the_other_has_it(base: PromptDraft, changed: PromptDraft) -> None:
    assert merge_drafts(base, changed, base) == (changed, [])
    assert merge_drafts(base, base, changed) == (changed, [])
    assert merge_drafts(base, changed, changed) == (changed, [])


@given(DRAFTS, DRAFTS, DRAFTS)
def test_whose_side_is_whose_makes_no_difference_to_what_clashes(
    base: PromptDraft, one: PromptDraft, other: PromptDraft
) -> None:
    there, back = merge_drafts(base, one, other)[1], merge_drafts(base, other, one)[1]
    assert sorted((c.where, c.base, c.theirs, c.ours) for c in there) == sorted(
        (c.where, c.base, c.ours, c.theirs) for c in back
    )


@given(*[st.lists(st.sampled_from("abc"), max_size=8)] * 3)
def test_the_spans_are_all_there_is(base: list[str], theirs: list[str], ours: list[str]) -> None:
    cut = list(spans(base, theirs, ours))
    for side, whole in (("base", base), ("theirs", theirs), ("ours", ours)):
        assert [item for span in cut for item in getattr(span, side)] == whole


def test_changes_in_different_lines_are_both_there() -> None:
    base = draft("one\ntwo\nthree")
    merged, clashes = merge_drafts(base, draft("ONE\ntwo\nthree"), draft("one\ntwo\nTHREE"))
    assert (text(merged), clashes) == (["ONE\ntwo\nTHREE"], [])


def test_a_message_that_was_added_stands_where_it_was_added() -> None:
    base = draft("be brief", "question")
    merged, clashes = merge_drafts(base, draft("be brief", "example", "question"), draft("be very brief", "question"))
    assert (text(merged), clashes) == (["be very brief", "example", "question"], [])


def test_the_same_line_changed_differently_is_a_clash() -> None:
    merged, clashes = merge_drafts(draft("one\ntwo"), draft("one\n2"), draft("one\nzwei"))
    assert clashes == [Clash("messages", "two", "2", "zwei")]
    assert text(merged) == ["one\nzwei"]


def test_json_is_merged_by_its_keys() -> None:
    base = draft("a", parameters={"temperature": 0.1, "top_p": 1}, tools=[tool("f"), tool("g")])
    theirs = draft("a", parameters={"temperature": 0.2, "top_p": 1}, tools=[tool("f", description="F"), tool("g")])
    ours = draft("a", parameters={"temperature": 0.1, "seed": 5}, tools=[tool("f"), tool("h")])
    merged, clashes = merge_drafts(base, theirs, ours)
    assert clashes == []
    assert merged.parameters == {"temperature": 0.2, "seed": 5}
    assert merged.tools == (tool("f", description="F"), tool("h"))


@given(TOOLS, TOOLS, TOOLS)
def test_no_tool_is_lost_that_neither_side_removed(base: list[Any], theirs: list[Any], ours: list[Any]) -> None:
    merged, clashes = merge_drafts(*(draft("a", tools=side) for side in (base, theirs, ours)))
    for one in [*base, *theirs, *ours]:
        before, there, here = (side.count(one) for side in (base, theirs, ours))
        if min(there, here) >= before and not clashes:
            assert merged.tools.count(one) >= max(there, here), one


@pytest.mark.parametrize(
    ("base", "theirs", "ours", "where"),
    [
        ([], [tool("f", description="F")], [tool("f", strict=True)], "tools.function:f"),
        ([], [{"type": "mcp", "server_url": "a"}], [{"type": "mcp", "label": "b"}], "tools.mcp"),
        ([], [tool("f"), tool("f", strict=True)], [tool("f")], "tools"),
        ([tool("f")] * 2, [tool("f"), tool("f", strict=True)], [tool("f", strict=False), tool("f")], "tools"),
    ],
)
def test_tools_that_cannot_be_told_apart_clash(base: Any, theirs: Any, ours: Any, where: str) -> None:
    merged, clashes = merge_drafts(*(draft("a", tools=side) for side in (base, theirs, ours)))
    assert [clash.where for clash in clashes] == [where]
    assert list(merged.tools) == ours


def test_tools_of_one_name_are_merged_in_their_order() -> None:
    one, two, new = tool("f"), tool("f", strict=True), tool("g")
    merged, clashes = merge_drafts(
        *(draft("a", tools=tools) for tools in ([one, two], [new, one, two], [one, two, new]))
    )
    assert (list(merged.tools), clashes) == ([new, one, two, new], [])


def test_tools_have_a_key_each() -> None:
    tools = [tool("f"), tool("f"), tool("f#2"), tool("f"), {"type": "x"}, {"type": "x"}, {"type": "y", "function": "f"}]
    assert list(tools_by_name(tools)) == [
        "function:f",
        "function:f#2",
        "function:f#2#2",
        "function:f#3",
        "x",
        "x#2",
        "y",
    ]
    assert list(tools_by_name(tools).values()) == tools


def test_variables_that_either_side_declared_are_required_both() -> None:
    base = draft("a", variables={"x": "string", "gone": "string"})
    theirs = draft("a", variables={"x": "string", "y": "string", "gone": "string"})
    merged, clashes = merge_drafts(base, theirs, draft("a", variables={"x": "string", "z": "string"}))
    assert (sorted(merged.variables["required"]), clashes) == (["x", "y", "z"], [])


def test_changes_that_together_make_no_prompt_are_refused() -> None:
    long = "x" * (600 * 1024)
    with pytest.raises(BadRequest, match="at most 1024 KiB"):
        merge_drafts(draft("a\nb\nc"), draft(f"{long}\na\nb\nc"), draft(f"a\nb\nc\n{long}"))


@pytest.mark.parametrize(
    ("theirs", "ours", "where", "sides"),
    [
        ({"parameters": {"temperature": 1}}, {"parameters": {}}, "parameters.temperature", ("0", "1", "")),
        (
            {"parameters": {"temperature": 1}},
            {"parameters": {"temperature": 2}},
            "parameters.temperature",
            ("0", "1", "2"),
        ),
        (
            {"parameters": {"temperature": 0}, "variables": {"x": "string"}},
            {"parameters": {"temperature": 0}, "variables": {"x": "integer"}},
            "variables.properties.x.type",
            ("", '"string"', '"integer"'),
        ),
    ],
)
def test_the_place_of_a_clash_is_named(
    theirs: dict[str, Any], ours: dict[str, Any], where: str, sides: tuple[str, str, str]
) -> None:
    _, clashes = merge_drafts(draft("a", parameters={"temperature": 0}), draft("a", **theirs), draft("a", **ours))
    assert clashes == [Clash(where, *sides)]
