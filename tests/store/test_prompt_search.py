"""Looking through the prompts, on every store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.prompts import registry
from gateway.prompts.draft import PromptDraft
from gateway.prompts.registry import Origin
from gateway.store import prompt_labels
from gateway.store.engine import Store
from gateway.store.prompt_labels import Move
from gateway.store.prompt_search import Search, search

WRITTEN = (
    ("support/greeting", "ada", 'Hello, ☃ "friend".'),
    ("support/billing/refund", "ada", "Money."),
    ("sales", "ada", "Hello there."),
    ("sales", "bob", "50% off_ hello."),
)


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.begin() as opened:
        for name, author, content in WRITTEN:
            draft = PromptDraft.parse({"messages": [{"role": "user", "content": content}]})
            registry.save(opened, name, draft, Origin(author))
        prompt_labels.record(opened, "sales", Move("staging", None, 1, 1.0, "ada", "", ()))
        yield opened


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["sales", "support/billing/refund", "support/greeting"]),
        ({"folder": "support"}, ["support/billing/refund", "support/greeting"]),
        ({"folder": "support/billing/"}, ["support/billing/refund"]),
        ({"folder": "sal"}, []),
        ({"query": "HELLO"}, ["sales", "support/greeting"]),
        ({"query": "☃"}, ["support/greeting"]),
        ({"query": '"friend"'}, ["support/greeting"]),
        ({"query": "there"}, []),
        ({"query": "REFUND"}, ["support/billing/refund"]),
        ({"query": "50% off_"}, ["sales"]),
        ({"query": "5__ off"}, []),
        ({"author": "ada", "query": "hello"}, ["sales", "support/greeting"]),
        ({"author": "bob"}, ["sales"]),
        ({"author": "nobody"}, []),
        ({"label": "staging"}, ["sales"]),
        ({"limit": 1}, ["sales"]),
        ({"limit": 1, "after": "sales"}, ["support/billing/refund"]),
    ],
)
def test_what_is_found(connection: Connection, wanted: dict[str, Any], names: list[str]) -> None:
    assert [one.name for one in search(connection, Search(**wanted))] == names


def test_a_prompt_is_shown_as_main_has_it(connection: Connection) -> None:
    registry.fork(connection, "sales", "terse", None, "bob")
    draft = PromptDraft.parse({"messages": [{"role": "user", "content": "Unseen."}]})
    registry.save(connection, "sales", draft, Origin("bob", branch="terse"))
    assert search(connection, Search(query="unseen")) == []
    [sales] = search(connection, Search(label="staging"))
    assert (sales.number, sales.versions, sales.author, sales.labels) == (2, 3, "bob", {"staging": 1})
