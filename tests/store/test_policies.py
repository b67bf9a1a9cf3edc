"""Guard policies: kept once, and called what they were declared as last."""

from __future__ import annotations

from gateway.store import policies
from gateway.store.engine import Store

ONE, OTHER = "a1" * 32, "a2" * 32


def test_a_policy_is_kept_once(store: Store) -> None:
    with store.begin() as connection:
        assert policies.add(connection, ONE, {"about": "one"}, "ada", "house")
        assert not policies.add(connection, ONE, {"about": "one"}, "eve", "home")
        assert policies.find(connection, [ONE, OTHER]) == {ONE: {"about": "one"}}
        row = policies.get(connection, ONE)
        assert row is not None
        assert (row.author, row.body, set(row.names)) == ("ada", {"about": "one"}, {"house", "home"})
        assert policies.get(connection, OTHER) is None


def test_a_name_is_that_of_the_last_that_was_declared_so(store: Store) -> None:
    with store.begin() as connection:
        policies.add(connection, ONE, {}, "ada", "house")
        policies.add(connection, OTHER, {}, "ada", "house")
        assert policies.named(connection, "house") == OTHER
        policies.add(connection, ONE, {}, "ada", "house")
        assert policies.named(connection, "house") == ONE
        assert policies.named(connection, "home") is None
        assert {row.digest: row.current for row in policies.list_all(connection, 9)} == {ONE: ("house",), OTHER: ()}
        assert [row.digest for row in policies.list_all(connection, 1)] == [OTHER]


def test_they_are_found_by_how_their_digests_begin(store: Store) -> None:
    with store.begin() as connection:
        policies.add(connection, ONE, {}, "ada")
        policies.add(connection, OTHER, {}, "ada")
        assert policies.beginning(connection, "a1a1a1a1") == [ONE]
        assert policies.beginning(connection, "a") == [ONE, OTHER]
        assert policies.beginning(connection, "%") == []
