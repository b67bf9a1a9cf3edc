"""What may serve: warrants, rollbacks, broken glass, and gates that change by two people only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from gateway.errors import Conflict, Forbidden, GatewayError
from gateway.releases import conduct, golive
from gateway.releases.plan import Gate
from gateway.releases.protection import decide_change, put_gate
from gateway.releases.rollout import State
from gateway.releases.warrant import SignedWarrant, Warrant
from gateway.signing import Signer
from gateway.store import catalogue, rollouts
from gateway.store.engine import Store
from tests.proving import SIGNER
from tests.releases.proven import GATE, HERE, STRAIGHT, People, endpoint, people, prove, release

WARRANT = Warrant("bot", "r" * 64, "identity", "gate", "g" * 64, ("e" * 64,), ("grace",), "ro_1", 1.0)


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.begin() as opened:
        yield opened


@pytest.fixture
def who(connection: Connection) -> People:
    return people(connection)


def live_of(connection: Connection) -> str | None:
    return golive.endpoint_row(connection, "bot").release


def gone_live(connection: Connection, who: People, digest: str) -> None:
    """By the way everything goes: evidence, approval, rollout."""
    drafted = conduct.propose(connection, "bot", digest, STRAIGHT, "", who.ada)
    rollout = conduct.submit(connection, HERE, drafted.id, who.ada)
    prove(connection, digest, rollout.control)
    conduct.approve(connection, rollout.id, who.grace, True, "")
    conduct.tick(connection, HERE, conduct.found(connection, rollout.id), conduct.Comparison())
    assert live_of(connection) == digest


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_warrant_that_was_changed_is_none(at: int, bit: int) -> None:
    signed = SignedWarrant.issue(SIGNER, WARRANT)
    assert signed.check(SIGNER.public, "bot", "r" * 64, "identity") == WARRANT
    changed = bytearray(signed.body.encode())
    changed[at % len(changed)] ^= 1 << bit
    forged = SignedWarrant(changed.decode("latin-1"), signed.signature)
    with pytest.raises(GatewayError):
        forged.check(SIGNER.public, "bot", "r" * 64, "identity")


@pytest.mark.parametrize(
    ("endpoint_", "digest", "identity"),
    [("other", "r" * 64, "identity"), ("bot", "s" * 64, "identity"), ("bot", "r" * 64, "another")],
)
def test_a_warrant_is_for_one_endpoint_one_release_and_what_answered_then(
    endpoint_: str, digest: str, identity: str
) -> None:
    signed = SignedWarrant.issue(SIGNER, WARRANT)
    with pytest.raises(GatewayError):
        signed.check(SIGNER.public, endpoint_, digest, identity)


def test_another_installation_s_warrant_is_none() -> None:
    signed = SignedWarrant.issue(Signer.of(b"theirs"), WARRANT)
    with pytest.raises(GatewayError, match="not signed by this installation"):
        signed.check(SIGNER.public, "bot", "r" * 64, "identity")


def test_a_protected_endpoint_takes_nothing_unproven(connection: Connection, who: People) -> None:
    endpoint(connection, release(connection, temperature=0.1))
    row = golive.endpoint_row(connection, "bot")
    with pytest.raises(Conflict) as refused:
        golive.put_live(connection, HERE, row, release(connection, temperature=0.2), "ada", "because")
    assert refused.value.code == "not_proven"


def test_rolling_back_goes_to_the_last_good_one(connection: Connection, who: People) -> None:
    first, second, third = (release(connection, temperature=number / 10) for number in (1, 2, 3))
    endpoint(connection, first)
    gone_live(connection, who, second)
    gone_live(connection, who, third)
    assert golive.roll_back(connection, HERE, "bot", "ada", "it is rude") == second
    assert golive.roll_back(connection, HERE, "bot", "ada", "so is this") == first
    with pytest.raises(Conflict) as refused:
        golive.roll_back(connection, HERE, "bot", "ada", "and this")
    assert refused.value.code == "nothing_to_roll_back_to"


def test_what_was_rolled_back_comes_back_with_new_evidence_only(connection: Connection, who: People) -> None:
    first, second = (release(connection, temperature=number / 10) for number in (1, 2))
    endpoint(connection, first)
    gone_live(connection, who, second)
    golive.roll_back(connection, HERE, "bot", "ada", "it is rude")
    with pytest.raises(Conflict) as refused:
        golive.roll_back(connection, HERE, "bot", "ada", "it was not", to=second)
    assert refused.value.code == "not_proven"
    gone_live(connection, who, second)


@pytest.mark.parametrize("protected", [True, False])
def test_rolling_back_to_what_was_never_live_is_refused(connection: Connection, who: People, protected: bool) -> None:
    endpoint(connection, release(connection, temperature=0.1), protected)
    with pytest.raises(Conflict) as refused:
        golive.roll_back(connection, HERE, "bot", "ada", "try this", to=release(connection, temperature=0.9))
    assert refused.value.code == "never_live"


def test_rolling_back_ends_a_canary_and_leaves_what_is_live(connection: Connection, who: People) -> None:
    first, second = (release(connection, temperature=number / 10) for number in (1, 2))
    endpoint(connection, first)
    drafted = conduct.propose(connection, "bot", second, conduct.Plan(), "", who.ada)
    conduct.submit(connection, HERE, drafted.id, who.ada)
    prove(connection, second, first)
    conduct.approve(connection, drafted.id, who.grace, True, "")
    conduct.tick(connection, HERE, conduct.found(connection, drafted.id), conduct.Comparison())
    assert conduct.found(connection, drafted.id).weight == 0.01
    assert golive.roll_back(connection, HERE, "bot", "ada", "looks bad") == first
    assert conduct.found(connection, drafted.id).state is State.ROLLED_BACK
    assert ("bot", second) not in catalogue.list_warrants(connection)


def test_breaking_the_glass_leaves_out_people_and_never_the_gate(connection: Connection, who: People) -> None:
    first, second = (release(connection, temperature=number / 10) for number in (1, 2))
    endpoint(connection, first)
    with pytest.raises(Conflict) as refused:
        golive.break_glass(connection, HERE, "bot", second, "grace", "the house is on fire")
    assert refused.value.code == "not_proven"
    prove(connection, second, first)
    with pytest.raises(Conflict):
        golive.break_glass(connection, HERE, "bot", second, "grace", " ")
    made = golive.break_glass(connection, HERE, "bot", second, "grace", "the house is on fire")
    assert live_of(connection) == second
    [red] = rollouts.breakings_of(connection, "bot", unreviewed=True)
    assert (red.id, red.by, red.reason) == (made, "grace", "the house is on fire")
    assert rollouts.review(connection, made, "alan", "it was")
    assert rollouts.breakings_of(connection, "bot", unreviewed=True) == []


def test_the_glass_is_broken_for_what_is_being_rolled_out(connection: Connection, who: People) -> None:
    first, second = (release(connection, temperature=number / 10) for number in (1, 2))
    endpoint(connection, first)
    drafted = conduct.propose(connection, "bot", second, conduct.Plan(), "", who.ada)
    conduct.submit(connection, HERE, drafted.id, who.ada)
    prove(connection, second, first)
    golive.break_glass(connection, HERE, "bot", second, "grace", "it cannot wait")
    assert live_of(connection) == second
    assert conduct.found(connection, drafted.id).state is State.LIVE
    golive.check_warrant(connection, HERE, "bot", second)


def test_what_serves_when_protection_begins_goes_on(connection: Connection, who: People) -> None:
    digest = release(connection, temperature=0.1)
    endpoint(connection, digest)
    golive.check_warrant(connection, HERE, "bot", digest)


@pytest.mark.parametrize("gate", [None, Gate.model_validate({**GATE.model_dump(), "approvals": 0})])
def test_a_gate_changes_by_two_people(connection: Connection, who: People, gate: Gate | None) -> None:
    endpoint(connection, release(connection, temperature=0.1))
    made = put_gate(connection, HERE, "bot", gate, "in my way", who.ada).change
    assert made is not None
    assert golive.endpoint_row(connection, "bot").gate == GATE.model_dump(mode="json")
    with pytest.raises(Forbidden):
        decide_change(connection, HERE, made.id, True, who.ada)
    decide_change(connection, HERE, made.id, True, who.grace)
    expected = gate.model_dump(mode="json") if gate is not None else None
    assert golive.endpoint_row(connection, "bot").gate == expected
    with pytest.raises(Conflict):
        decide_change(connection, HERE, made.id, True, who.grace)


def test_a_change_that_is_refused_changes_nothing(connection: Connection, who: People) -> None:
    endpoint(connection, release(connection, temperature=0.1))
    made = put_gate(connection, HERE, "bot", None, "in my way", who.ada).change
    assert made is not None
    assert decide_change(connection, HERE, made.id, False, who.grace).state == "refused"
    assert golive.endpoint_row(connection, "bot").gate is not None
