"""Content addresses: the same content has the same digest, and every byte of it counts."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evals.digest import canonical
from gateway.prompts.draft import PromptDraft
from gateway.releases.digest import prompt_digest, release_digest
from gateway.types import Json, PromptVersion, Release

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
MESSAGES: tuple[Json, ...] = ({"role": "user", "content": "Greet {{ name }}."},)
PROMPT = PromptVersion("greeter", 1, "a" * 64, MESSAGES, {"type": "object"})
RELEASE = Release(
    digest="",
    prompt=PROMPT,
    upstream="demo",
    parameters={"temperature": 0.1, "stop": ["a", "b"]},
    tools=({"type": "function", "function": {"name": "f"}},),
    response_format={"type": "json_object"},
)
CHANGED: dict[str, Any] = {
    "prompt": replace(PROMPT, digest="b" * 64),
    "upstream": "other",
    "parameters": {"temperature": 0.2, "stop": ["a", "b"]},
    "tools": ({"type": "function", "function": {"name": "g"}},),
    "response_format": None,
    "policy": "strict",
}


def turned(value: Any) -> Any:
    """The same JSON, the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(JSON)
def test_the_order_of_keys_does_not_matter(value: Any) -> None:
    assert canonical(turned(value)) == canonical(value)


@given(JSON, JSON)
def test_different_values_have_different_texts(one: Any, other: Any) -> None:
    """`repr` tells 1, 1.0 and true apart, which Python's equality does not."""
    if repr(one) != repr(other) and repr(turned(one)) != repr(other):
        assert one == other or canonical(one) != canonical(other)


def test_canonical_text_is_sorted_and_has_no_spaces() -> None:
    assert canonical({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'.encode()


def test_everything_in_a_release_is_in_its_digest() -> None:
    """A field added to `Release` and forgotten here would let a change through without new evidence."""
    digest = release_digest(RELEASE)
    assert len(bytes.fromhex(digest)) == 32
    assert {field.name for field in fields(Release)} == {"digest", *CHANGED}
    found = {release_digest(replace(RELEASE, **{name: value})) for name, value in CHANGED.items()}
    assert len(found | {digest}) == len(CHANGED) + 1


def test_the_digest_is_not_in_the_digest() -> None:
    assert release_digest(replace(RELEASE, digest="anything")) == release_digest(RELEASE)


def test_the_order_of_a_list_counts() -> None:
    assert release_digest(replace(RELEASE, parameters={"temperature": 0.1, "stop": ["b", "a"]})) != release_digest(
        RELEASE
    )


def draft(**changed: Any) -> PromptDraft:
    return PromptDraft.parse({"messages": list(MESSAGES), "variables": {"type": "object"}, **changed})


def test_a_prompt_is_all_that_is_in_its_draft_and_what_it_includes() -> None:
    """A field added to `PromptDraft` and forgotten here would let a change pass for the version before."""
    changed: dict[str, Any] = {
        "messages": [*MESSAGES, *MESSAGES],
        "variables": {"type": "object", "required": []},
        "parameters": {"temperature": 0},
        "tools": [{"type": "custom"}],
        "response_format": {"type": "json_object"},
    }
    assert set(PromptDraft.model_fields) == set(changed)
    found = {prompt_digest(draft(**{name: value}), {}) for name, value in changed.items()}
    found |= {prompt_digest(draft(), partials) for partials in ({}, {"style": "a" * 64}, {"style": "b" * 64})}
    assert len(found) == len(changed) + 3


def test_digests_do_not_change_between_versions_of_the_product() -> None:
    """Evidence is bound to them: one that moves would strand it."""
    assert prompt_digest(draft(), {}) == "7aa9864d08a86dae21dcd795e68d831d45f47e8cb6a8a7bd201f06b3b8fae9cf"
    assert release_digest(RELEASE) == "02b5895be9ab5be177b88953864838fb3ae01e109fc1036f211a848414e6811b"
