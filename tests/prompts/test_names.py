"""Names of prompts, and references to their versions."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.prompts.names import RESERVED, PromptName, split_reference

NAMES: TypeAdapter[str] = TypeAdapter(PromptName)


@pytest.mark.parametrize("name", ["greeting", "support/greeting", "a/b/c", "0.9-x_y", "a..b", "a_", "a-/b", "a" * 64])
def test_names_have_folders(name: str) -> None:
    assert NAMES.validate_python(name) == name
    assert split_reference(name) == (name, None)
    assert split_reference(f"{name}@3") == (name, "3")
    assert split_reference(f"{name}@production") == (name, "production")


@pytest.mark.parametrize(
    "name", ["", "/a", "a/", "a//b", "A", "../a", "a/../b", "a/..", ".", "a b", "a\x00", "-a", "a" * 65, "a\n"]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NAMES.validate_python(name)
    said = refused.value.errors()[0]["msg"]
    assert ("at most 64 characters" if len(name) > 64 else "small letters, digits, `.`, `_` and `-`") in said
    assert split_reference(name) is None


@pytest.mark.parametrize("name", ["a.", "a../b", "a/b."])
def test_a_dot_at_an_end_is_refused_and_one_that_was_saved_is_found(name: str) -> None:
    with pytest.raises(ValidationError, match=r"end with no `\.`"):
        NAMES.validate_python(name)
    assert split_reference(name) == (name, None)


@pytest.mark.parametrize("word", sorted(RESERVED))
@pytest.mark.parametrize("name", ["{}", "a/{}", "{}/a"])
def test_what_the_api_calls_its_own_is_no_name(name: str, word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        NAMES.validate_python(name.format(word))


@pytest.mark.parametrize("reference", ["a@", "a@@1", "a@1@2", "@1", "a@B"])
def test_what_is_no_reference(reference: str) -> None:
    assert split_reference(reference) is None
