"""Prompts in the store: versions with what they include, branches, aliases; one writer at a time counts them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import Connection, insert

from gateway.prompts import registry
from gateway.prompts.draft import PromptDraft
from gateway.prompts.registry import Origin
from gateway.store import prompts
from gateway.store.engine import Store
from gateway.store.prompts import Branch
from gateway.store.tables.prompts import prompts as table
from gateway.types import Json, PromptVersion

MESSAGES: tuple[Json, ...] = ({"role": "user", "content": "Greet {{ name }} ☃."},)
VARIABLES: Json = {"type": "object", "properties": {"name": {"type": "string"}}}
FIRST = PromptVersion(
    name="a",
    number=1,
    digest="a" * 64,
    messages=MESSAGES,
    variables=VARIABLES,
    parameters={"temperature": 0.1, "seed": None},
    tools=({"type": "function", "function": {"name": "f"}},),
    response_format={"type": "json_object"},
    message="First.",
    author="ada",
    created=1.5,
)


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    """One transaction for the whole test."""
    with store.begin() as opened:
        yield opened


def test_a_version_is_read_as_it_was_written(connection: Connection) -> None:
    style = replace(FIRST, name="style", partials={})
    second = replace(FIRST, number=2, digest="b" * 64, partials={"style": style}, branch="b", parent=1, merged=1)
    for version in (FIRST, style, second):
        prompts.add(connection, version)
    assert prompts.find(connection, [("a", 2)])["a", 2] == second
    assert prompts.find(connection, [("a", 3), ("ghost", 1)]) == {}
    assert prompts.list_all(connection) == [FIRST, second, style]
    assert (prompts.last_number(connection, "a"), prompts.last_number(connection, "ghost")) == (2, 0)
    assert prompts.number_of(connection, "a", "b" * 64) == 2
    assert prompts.number_of(connection, "style", "b" * 64) is None


def test_versions_are_listed_newest_first(connection: Connection) -> None:
    for number in (1, 2, 3):
        prompts.add(connection, replace(FIRST, number=number, digest=str(number) * 64))
    assert [entry.number for entry in prompts.entries(connection, "a")] == [3, 2, 1]
    assert prompts.entries(connection, "ghost") == []


def test_what_an_earlier_version_of_the_product_wrote_is_read(connection: Connection) -> None:
    """It knew neither branches nor parameters; `main` is at the newest version."""
    for number in (1, 2):
        row = {"messages": list(MESSAGES), "variables": VARIABLES, "created": 1.5, "author": "ada"}
        connection.execute(insert(table).values(name="a", number=number, digest=str(number) * 64, **row))
    found = prompts.find(connection, [("a", 2)])["a", 2]
    assert (found.parameters, found.tools, found.response_format, found.partials) == ({}, (), None, {})
    assert prompts.branch(connection, "a", "main") == Branch("main", 1, 2, 1.5, "ada", None)
    assert prompts.branches(connection, "a") == [Branch("main", 1, 2, 1.5, "ada", None)]
    assert (prompts.branch(connection, "ghost", "main"), prompts.branches(connection, "ghost")) == (None, [])


def test_branches_are_listed_after_main(connection: Connection) -> None:
    prompts.add(connection, FIRST)
    for number, name in enumerate(("b", "a")):
        prompts.put_branch(connection, "a", Branch(name, 1, 1, float(number), "bob", None))
    prompts.set_head(connection, "a", "main", 1, "ada")
    prompts.set_head(connection, "a", "b", 5, "bob")
    prompts.close_branch(connection, "a", "a")
    found = prompts.branches(connection, "a")
    assert [(branch.name, branch.head, branch.closed is None) for branch in found] == [
        ("main", 1, True),
        ("b", 5, True),
        ("a", 1, False),
    ]


def test_an_alias_names_one_prompt(connection: Connection) -> None:
    prompts.add(connection, FIRST)
    for name in ("b", "a"):
        prompts.put_alias(connection, "pmpt_1", name)
    prompts.put_alias(connection, "other", "a")
    assert prompts.alias_of(connection, "pmpt_1") == "a"
    assert prompts.alias_of(connection, "ghost") is None
    assert prompts.find(connection, [("a", 1)])["a", 1].aliases == ("other", "pmpt_1")
    assert prompts.list_all(connection)[0].aliases == ("other", "pmpt_1")


def test_those_who_save_at_once_get_a_number_each(store: Store) -> None:
    together = Barrier(4)

    def save(writer: int) -> list[int]:
        together.wait()
        numbers = []
        for turn in range(5):
            draft = PromptDraft.parse({"messages": [{"role": "user", "content": f"{writer} {turn}"}]})
            with store.begin() as connection:
                numbers.append(registry.save(connection, "a", draft, Origin("ada")).version.number)
        return numbers

    with ThreadPoolExecutor(4) as pool:
        saved = [number for numbers in pool.map(save, range(4)) for number in numbers]
    assert sorted(saved) == list(range(1, 21))


ODD = "\x01\x7f\x85\u2028\ufeff\uffff\U0010ffff ☃ '\"\\ %s \\u0000"


def test_whatever_a_draft_may_hold_comes_back(connection: Connection) -> None:
    """Every character that is not refused, in a text and in a key."""
    held = {"type": "x", ODD: ODD}
    message = {"role": "user", "content": [{"type": "text", "text": ODD}]}
    draft = PromptDraft.parse({"messages": [message], "tools": [held], "response_format": held})
    saved = registry.save(connection, "odd", draft, Origin("ada", ODD)).version
    assert (PromptDraft.of(saved), saved.message) == (draft, ODD)
    assert registry.get(connection, "odd") == saved
