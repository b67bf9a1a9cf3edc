"""Labels in the store: where each points, where it pointed, and which are protected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from gateway.store import prompt_labels
from gateway.store.engine import Store
from gateway.store.prompt_labels import Move


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.begin() as opened:
        yield opened


def test_a_label_points_where_it_was_moved_last(connection: Connection) -> None:
    moves = [
        Move("staging", None, 1, 1.0, "ada", "", ()),
        Move("production", None, 1, 2.0, "bob", "Tried.", ("ev_1", "ev_2")),
        Move("staging", 1, 2, 3.0, "ada", "", ()),
        Move("production", 1, None, 4.0, "bob", "A mistake.", ()),
    ]
    for move in moves:
        prompt_labels.record(connection, "a", move)
    prompt_labels.record(connection, "b", moves[0])
    assert prompt_labels.labels_of(connection, "a") == {"staging": 2}
    assert (prompt_labels.get(connection, "a", "staging"), prompt_labels.get(connection, "a", "production")) == (
        2,
        None,
    )
    assert prompt_labels.history(connection, "a") == moves[::-1]
    assert prompt_labels.history(connection, "b") == moves[:1]


def test_labels_are_protected_until_they_are_not(connection: Connection) -> None:
    for label, by in (("staging", "ada"), ("canary", "ada"), ("staging", "bob")):
        prompt_labels.protect(connection, label, by)
    assert [(one.label, one.by) for one in prompt_labels.protected(connection)] == [
        ("canary", "ada"),
        ("staging", "bob"),
    ]
    assert [prompt_labels.unprotect(connection, "canary") for _ in range(2)] == [True, False]
    assert [one.label for one in prompt_labels.protected(connection)] == ["staging"]
