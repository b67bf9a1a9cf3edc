"""The registry: versions that never change, branches, merges, and what a reference leads to."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from gateway.errors import BadRequest, Conflict, GatewayError, NotFound
from gateway.prompts import registry
from gateway.prompts.registry import MergeConflict, Origin, Saved
from gateway.store import prompt_labels, prompts
from tests.prompts.saving import draft, rendered, save

BOB = Origin("bob")


# Versions ------------------------------------------------------------------------------------------------------------


def test_versions_are_numbered_and_know_where_they_come_from(connection: Connection) -> None:
    first = save(connection, "support/greeting", "Hello.", origin=Origin("ada", "First try"))
    second = save(connection, "support/greeting", "Hi.", origin=BOB, parameters={"temperature": 0})
    assert (first.created, first.version.number, first.version.parent) == (True, 1, None)
    assert (first.version.author, first.version.message) == ("ada", "First try")
    assert (second.created, second.version.number, second.version.parent) == (True, 2, 1)
    for saved in (first, second):
        assert registry.get(connection, "support/greeting", str(saved.version.number)) == saved.version
    assert registry.get(connection, "support/greeting") == second.version


def test_the_same_text_makes_no_version_whoever_says_so(connection: Connection) -> None:
    first = save(connection, "a", "Hello.")
    second = save(connection, "a", "Hi.")
    again = save(connection, "a", "Hello.", origin=BOB)
    assert (again.created, again.version) == (False, first.version)
    assert [entry.number for entry in prompts.entries(connection, "a")] == [2, 1]
    assert registry.get(connection, "a") == first.version
    assert save(connection, "a", "Hi.").version == second.version
    assert save(connection, "b", "Hello.").version.digest == first.version.digest


def test_saving_sets_no_label(connection: Connection) -> None:
    save(connection, "a", "Hello.")
    assert prompt_labels.labels_of(connection, "a") == {}


@pytest.mark.parametrize("name", ["", "A", "a//b", "a/labels", "a" * 65])
def test_what_is_no_name_is_refused(connection: Connection, name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        save(connection, name, "Hello.")
    assert (refused.value.param, refused.value.code) == ("name", "invalid_name")


@pytest.mark.parametrize("content", ["{{ x.__class__() }}", "{{ x", "{{ ghost }}", "{% include name %}"])
def test_what_could_not_be_rendered_is_not_saved(connection: Connection, content: str) -> None:
    with pytest.raises(BadRequest):
        save(connection, "a", content, variables={"x": "string"})
    assert prompts.entries(connection, "a") == []


def test_who_began_with_another_version_is_told(connection: Connection) -> None:
    save(connection, "a", "Hello.")
    save(connection, "a", "Hi.")
    with pytest.raises(Conflict) as refused:
        save(connection, "a", "Hello!", origin=Origin("bob", parent=1))
    assert (refused.value.param, refused.value.code) == ("parent", "stale_parent")
    assert save(connection, "a", "Hello!", origin=Origin("bob", parent=2)).created


@pytest.mark.parametrize(
    ("name", "reference", "code"),
    [
        ("ghost", None, "prompt_not_found"),
        ("ghost", "1", "prompt_not_found"),
        ("ghost", "production", "prompt_not_found"),
        ("a", "2", "version_not_found"),
        ("a", "9" * 5000, "version_not_found"),
        ("a", "²", "label_not_found"),
        ("a", "production", "label_not_found"),
    ],
)
def test_what_is_not_there_is_told_apart(connection: Connection, name: str, reference: str | None, code: str) -> None:
    save(connection, "a", "Hello.")
    with pytest.raises(NotFound) as refused:
        registry.get(connection, name, reference)
    assert refused.value.code == code


def test_an_alias_leads_to_its_prompt(connection: Connection) -> None:
    save(connection, "a", "Hello.")
    prompts.put_alias(connection, "pmpt_123", "a")
    assert registry.get(connection, "pmpt_123", "1").aliases == ("pmpt_123",)


# Branches ------------------------------------------------------------------------------------------------------------


def test_a_branch_goes_its_own_way(connection: Connection) -> None:
    save(connection, "a", "one\ntwo\nthree")
    registry.fork(connection, "a", "terse", None, "bob")
    there = save(connection, "a", "one\ntwo\n3", origin=Origin("bob", branch="terse"))
    assert (there.version.number, there.version.branch, there.version.parent) == (2, "terse", 1)
    assert registry.get(connection, "a").number == 1
    assert registry.get(connection, "a", "terse") == there.version
    here = save(connection, "a", "1\ntwo\nthree")
    merged = registry.merge(connection, "a", "terse", "", "carol")
    assert merged.created
    assert merged.version.messages[0]["content"] == "1\ntwo\n3"
    assert (merged.version.branch, merged.version.parent, merged.version.merged) == (
        "main",
        here.version.number,
        there.version.number,
    )
    assert (merged.version.author, merged.version.message) == ("carol", "Merge terse")
    assert registry.get(connection, "a") == merged.version


def test_where_main_stood_still_it_takes_over_the_branch(connection: Connection) -> None:
    save(connection, "a", "one")
    registry.fork(connection, "a", "terse", "1", "bob")
    there = save(connection, "a", "1", origin=Origin("bob", branch="terse"))
    assert registry.merge(connection, "a", "terse", "", "carol") == Saved(there.version, created=False)
    assert registry.get(connection, "a") == there.version


def test_what_clashes_is_told_and_nothing_changes(connection: Connection) -> None:
    save(connection, "a", "one")
    registry.fork(connection, "a", "terse", None, "bob")
    save(connection, "a", "1", origin=Origin("bob", branch="terse"))
    save(connection, "a", "eins")
    with pytest.raises(MergeConflict) as refused:
        registry.merge(connection, "a", "terse", "", "carol")
    assert refused.value.code == "merge_conflict"
    [clash] = refused.value.clashes
    assert (clash.where, clash.base, clash.theirs, clash.ours) == ("messages", "one", "1", "eins")
    assert "<<<<<<< main\neins\n=======\n1\n>>>>>>> terse" in refused.value.message
    assert [branch.closed for branch in prompts.branches(connection, "a")] == [None, None]
    merged = registry.merge(connection, "a", "terse", "", "carol", draft("uno"))
    assert (rendered(connection, "a"), merged.version.merged) == (["uno"], 2)


def test_a_merged_branch_is_closed_and_its_name_is_free_again(connection: Connection) -> None:
    save(connection, "a", "one")
    registry.fork(connection, "a", "terse", None, "bob")
    with pytest.raises(Conflict):
        registry.fork(connection, "a", "terse", None, "bob")
    registry.merge(connection, "a", "terse", "", "bob")
    with pytest.raises(NotFound):
        registry.get(connection, "a", "terse")
    for again in (
        lambda: registry.merge(connection, "a", "terse", "", "bob"),
        lambda: save(connection, "a", "two", origin=Origin("bob", branch="terse")),
    ):
        with pytest.raises(NotFound) as refused:
            again()
        assert refused.value.code == "branch_not_found"
    assert registry.fork(connection, "a", "terse", None, "bob").base == 1


@pytest.mark.parametrize("branch", ["main", "latest", "12", "A", "", "a" * 65])
def test_what_cannot_be_forked(connection: Connection, branch: str) -> None:
    save(connection, "a", "one")
    with pytest.raises(GatewayError):
        registry.fork(connection, "a", branch, None, "bob")
    assert [one.name for one in prompts.branches(connection, "a")] == ["main"]


@pytest.mark.parametrize(("name", "start"), [("a", "2"), ("a", "1180591620"), ("a", "staging"), ("ghost", "1")])
def test_a_branch_begins_at_what_there_is(connection: Connection, name: str, start: str) -> None:
    save(connection, "a", "one")
    with pytest.raises(NotFound):
        registry.fork(connection, name, "terse", start, "bob")
    assert [one.name for one in prompts.branches(connection, "a")] == ["main"]
    assert prompts.branches(connection, "ghost") == []


def test_a_branch_ends_unmerged_and_its_versions_stay(connection: Connection) -> None:
    save(connection, "a", "one")
    registry.fork(connection, "a", "terse", None, "bob")
    registry.save(connection, "a", draft("two"), Origin("bob", "", "terse"))
    closed = registry.close(connection, "a", "terse")
    assert (closed.name, closed.head, closed.closed is not None) == ("terse", 2, True)
    assert registry.get(connection, "a").number == 1
    assert registry.get(connection, "a", "2").branch == "terse"
    for branch, error in (("terse", NotFound), ("ghost", NotFound), ("main", BadRequest)):
        with pytest.raises(error):
            registry.close(connection, "a", branch)
    assert registry.fork(connection, "a", "terse", "2", "bob").base == 2


def test_it_is_forked_by_another_id(connection: Connection) -> None:
    save(connection, "a", "one")
    registry.alias(connection, "pmpt_1", "a")
    registry.fork(connection, "pmpt_1", "terse", "1", "bob")
    assert [one.name for one in prompts.branches(connection, "a")] == ["main", "terse"]
