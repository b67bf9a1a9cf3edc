"""Labels: whoever moves them, and however often, a protected one never points where one person alone put it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from gateway.errors import GatewayError
from gateway.prompts import labels
from gateway.prompts.registry import Origin
from gateway.store import prompt_labels, prompts
from gateway.types import Principal
from tests.prompts.saving import save

PEOPLE = {
    "ada": frozenset(("editor", "approver")),
    "bob": frozenset(("admin",)),
    "carol": frozenset(("approver",)),
    "eve": frozenset(("editor",)),
    "mallory": frozenset(("viewer", "evaluator")),
}
WHO = st.sampled_from(sorted(PEOPLE))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["save", "move", "remove"]),
        WHO,
        st.sampled_from(["production", "staging"]),
        st.integers(1, 4),
        st.sampled_from(["", "why"]),
    ),
    max_size=20,
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STEPS)
def test_no_sequence_of_acts_gets_a_label_past_a_second_person(
    connection: Connection, steps: list[tuple[str, str, str, int, str]]
) -> None:
    with connection.begin_nested() as attempt:
        for number, (act, by, label, version, reason) in enumerate(steps):
            who = Principal("key", by, PEOPLE[by], owner=by)
            try:
                if act == "save":
                    save(connection, "a", f"text {number}", origin=Origin(by))
                elif act == "move":
                    labels.move(connection, "a", label, str(version), who, reason)
                else:
                    labels.remove(connection, "a", label, who, reason)
            except GatewayError:
                continue
        authors = {entry.number: entry.author for entry in prompts.entries(connection, "a")}
        history = prompt_labels.history(connection, "a")
        for move in history:
            if move.label == "production":
                assert PEOPLE[move.by] & {"approver", "admin"}
                assert move.reason
                assert move.after is None or authors[move.after] != move.by
            else:
                assert PEOPLE[move.by] & {"editor", "admin"}
        for label, version in prompt_labels.labels_of(connection, "a").items():
            assert next(move.after for move in history if move.label == label) == version
        attempt.rollback()


def test_a_label_that_points_there_already_leaves_no_trace(connection: Connection) -> None:
    save(connection, "a", "one")
    carol = Principal("key", "carol", PEOPLE["carol"], owner="carol")
    moved = [labels.move(connection, "a", "production", "1", carol, "Tried.").before for _ in range(2)]
    assert (moved, len(prompt_labels.history(connection, "a"))) == ([None, 1], 1)


def test_nothing_is_removed_that_is_not_there(connection: Connection) -> None:
    save(connection, "a", "one")
    with pytest.raises(GatewayError) as refused:
        labels.remove(connection, "a", "production", Principal("key", "bob", PEOPLE["bob"], owner="bob"), "why")
    assert refused.value.code == "label_not_found"
