"""Rollouts on both databases: what people do with them, and what a tick makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Connection

from gateway.access import KeyHasher
from gateway.errors import Conflict, Forbidden, NotFound
from gateway.keys import Grant, assign, mint, rotate
from gateway.releases import conduct, golive
from gateway.releases.decide import Action, Comparison, Finding
from gateway.releases.plan import Canary, Plan
from gateway.releases.records import genuine
from gateway.releases.rollout import Rollout, Stage, State
from gateway.store import catalogue, evidence, rollouts
from gateway.store.engine import Store
from tests.proving import SIGNER
from tests.releases.proven import HERE, STRAIGHT, People, endpoint, people, prove, release

CANARY = Plan(canary=Canary(steps=(0.1, 0.5), units=10, at_least="0s"))


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.begin() as opened:
        yield opened


@pytest.fixture
def who(connection: Connection) -> People:
    return people(connection)


def submitted(connection: Connection, who: People, plan: Plan = STRAIGHT, live: str | None = None) -> Rollout:
    """A release at the gate of `bot`, under protection."""
    live = live or release(connection, temperature=0.1)
    endpoint(connection, live)
    drafted = conduct.propose(connection, "bot", release(connection, temperature=0.2), plan, "colder", who.ada)
    return conduct.submit(connection, HERE, drafted.id, who.ada)


def tick(connection: Connection, rollout: Rollout, comparison: Comparison | None = None) -> Action:
    now = conduct.found(connection, rollout.id)
    return conduct.tick(connection, HERE, now, comparison or Comparison()).action


def live_of(connection: Connection) -> str | None:
    return golive.endpoint_row(connection, "bot").release


def test_from_draft_to_live(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who)
    before = live_of(connection)
    assert tick(connection, rollout) is Action.WAIT
    prove(connection, rollout.release, before)
    assert tick(connection, rollout) is Action.WAIT
    conduct.approve(connection, rollout.id, who.grace, True, "read it")
    assert live_of(connection) == before
    assert tick(connection, rollout) is Action.ADVANCE
    assert live_of(connection) == rollout.release
    ended = conduct.found(connection, rollout.id)
    assert (ended.stage, ended.state) == (Stage.LIVE, State.LIVE)
    assert [event.action for event in rollouts.history(connection, rollout.id)] == [
        "proposed",
        "submitted",
        "approved",
        "live",
    ]
    [decision] = evidence.list_decisions(connection, "bot")
    assert decision.outcome == "go"
    assert decision.body["approvals"][0]["by"] == "grace"
    assert decision.body["criteria"][0]["verdict"]["verdict"] == "pass"
    assert genuine(decision, SIGNER.public)


def test_a_canary_goes_step_by_step(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who, CANARY)
    before = live_of(connection)
    prove(connection, rollout.release, before)
    conduct.approve(connection, rollout.id, who.grace, True, "")
    seen = []
    for comparison in (None, Comparison(units=10), Comparison(units=10), Comparison(Finding.SAFE, 10)):
        tick(connection, rollout, comparison)
        now = conduct.found(connection, rollout.id)
        seen.append((now.stage.value, now.weight, live_of(connection) == rollout.release))
    assert seen == [("canary", 0.1, False), ("canary", 0.5, False), ("canary", 0.5, False), ("live", 0.0, True)]


def test_harm_takes_the_candidate_away_and_its_digest_needs_new_evidence(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who, CANARY)
    before = live_of(connection)
    prove(connection, rollout.release, before)
    conduct.approve(connection, rollout.id, who.grace, True, "")
    tick(connection, rollout)
    assert ("bot", rollout.release) in catalogue.list_warrants(connection)
    assert tick(connection, rollout, Comparison(Finding.HARM, 20, ("errors",))) is Action.ABORT
    assert conduct.found(connection, rollout.id).state is State.ROLLED_BACK
    assert live_of(connection) == before
    assert ("bot", rollout.release) not in catalogue.list_warrants(connection)
    again = conduct.propose(connection, "bot", rollout.release, STRAIGHT, "once more", who.ada)
    conduct.submit(connection, HERE, again.id, who.ada)
    conduct.approve(connection, again.id, who.grace, True, "")
    assert tick(connection, again) is Action.WAIT  # the old evidence counts no more
    prove(connection, rollout.release, before)
    assert tick(connection, again) is Action.ADVANCE
    assert live_of(connection) == rollout.release


def test_nobody_approves_their_own_nor_with_a_key_they_minted(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who)
    _, forged = mint(connection, KeyHasher(b"pepper"), Grant("eve"), "ada")
    _, further = mint(connection, KeyHasher(b"pepper"), Grant("mallory"), "eve")
    for actor in (who.ada, conduct.Actor("eve", forged.id), conduct.Actor("mallory", further.id)):
        with pytest.raises(Forbidden) as refused:
            conduct.approve(connection, rollout.id, actor, True, "")
        assert refused.value.code == "own_rollout"
    conduct.approve(connection, rollout.id, who.grace, True, "")
    with pytest.raises(Conflict):
        conduct.approve(connection, rollout.id, who.grace, True, "again")


def test_a_key_that_was_rotated_still_comes_from_who_made_it(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who)
    _, eve = mint(connection, KeyHasher(b"pepper"), Grant("eve"), "ada")
    rotate(connection, KeyHasher(b"pepper"), eve.id, 0, "eve")
    _, given = mint(connection, KeyHasher(b"pepper"), Grant("mallory"), "root")
    assign(connection, given.id, "trent", None, "ada")
    assign(connection, given.id, "mallory", None, "root")
    for actor in (conduct.Actor("eve", eve.id), conduct.Actor("mallory", given.id)):
        with pytest.raises(Forbidden):
            conduct.approve(connection, rollout.id, actor, True, "")
    conduct.approve(connection, rollout.id, who.grace, True, "", ["Tell the team."])
    with pytest.raises(Forbidden):
        conduct.meet(connection, rollout.id, 1, conduct.Actor("eve", eve.id))
    conduct.meet(connection, rollout.id, 1, who.alan)


def test_a_key_that_was_minted_at_the_machine_comes_from_nobody(connection: Connection, who: People) -> None:
    _, row = mint(connection, KeyHasher(b"pepper"), Grant("eve"), "local:root")
    assert not conduct.comes_from(connection, conduct.Actor("eve", row.id), "local:root")


def test_a_refusal_ends_it(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who)
    conduct.approve(connection, rollout.id, who.grace, False, "it is rude")
    assert tick(connection, rollout) is Action.ABORT
    assert "it is rude" in conduct.found(connection, rollout.id).why


def test_conditions_are_met_by_somebody_else_before_it_goes_live(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who)
    prove(connection, rollout.release, live_of(connection))
    conduct.approve(connection, rollout.id, who.grace, True, "", ("the help page is changed",))
    assert tick(connection, rollout) is Action.WAIT
    with pytest.raises(Forbidden):
        conduct.meet(connection, rollout.id, 1, who.ada)
    with pytest.raises(NotFound):
        conduct.meet(connection, rollout.id, 2, who.grace)
    conduct.meet(connection, rollout.id, 1, who.alan)
    assert tick(connection, rollout) is Action.ADVANCE
    assert evidence.list_decisions(connection)[0].outcome == "go_with_conditions"


def test_evidence_that_fails_ends_it_whatever_is_sent_after(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who)
    conduct.approve(connection, rollout.id, who.grace, True, "")
    prove(connection, rollout.release, live_of(connection), worse=200)
    prove(connection, rollout.release, live_of(connection))
    assert tick(connection, rollout) is Action.ABORT
    assert evidence.list_decisions(connection)[0].outcome == "no_go"


def test_a_comparison_with_another_release_than_the_live_one_does_not_count(
    connection: Connection, who: People
) -> None:
    rollout = submitted(connection, who)
    conduct.approve(connection, rollout.id, who.grace, True, "")
    prove(connection, rollout.release, release(connection, temperature=0.7))
    assert tick(connection, rollout) is Action.WAIT


def test_too_few_items_hold_it(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who)
    conduct.approve(connection, rollout.id, who.grace, True, "")
    prove(connection, rollout.release, live_of(connection), better=5, worse=4, of=40)
    assert tick(connection, rollout) is Action.WAIT
    assert "underpowered" in conduct.found(connection, rollout.id).why


def test_paused_it_stays_where_it_is(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who, CANARY)
    prove(connection, rollout.release, live_of(connection))
    conduct.approve(connection, rollout.id, who.grace, True, "")
    tick(connection, rollout)
    conduct.pause(connection, rollout.id, who.ada, "lunch")
    assert tick(connection, rollout, Comparison(units=10)) is Action.WAIT
    assert conduct.found(connection, rollout.id).weight == 0.1
    conduct.resume(connection, rollout.id, who.ada, "back")
    assert tick(connection, rollout, Comparison(units=10)) is Action.ADVANCE
    conduct.pause(connection, rollout.id, who.ada, "tea")
    assert tick(connection, rollout, Comparison(Finding.HARM, 10, ("errors",))) is Action.ABORT


def test_one_at_a_time_at_an_endpoint(connection: Connection, who: People) -> None:
    rollout = submitted(connection, who)
    other = conduct.propose(connection, "bot", release(connection, temperature=0.3), STRAIGHT, "", who.ada)
    with pytest.raises(Conflict) as refused:
        conduct.submit(connection, HERE, other.id, who.ada)
    assert refused.value.code == "rollout_under_way"
    conduct.abort(connection, HERE, rollout.id, who.ada, "for the other")
    assert conduct.submit(connection, HERE, other.id, who.ada).stage is Stage.GATE


def test_a_first_release_needs_evidence_of_its_own(connection: Connection, who: People) -> None:
    endpoint(connection, None)
    digest = release(connection, temperature=0.2)
    drafted = conduct.propose(connection, "bot", digest, CANARY, "", who.ada)
    conduct.submit(connection, HERE, drafted.id, who.ada)
    conduct.approve(connection, drafted.id, who.grace, True, "")
    assert tick(connection, drafted) is Action.WAIT
    assert live_of(connection) is None


def test_somebody_who_was_faster_is_not_overwritten(store: Store) -> None:
    with store.begin() as connection:
        who = people(connection)
        stale = submitted(connection, who)
        conduct.pause(connection, stale.id, who.ada, "")
        assert not rollouts.change(connection, stale, why="too late")


def test_a_rollout_survives_whoever_conducts_it(store: Store) -> None:
    """Each tick is a transaction of its own on what the one before committed."""
    with store.begin() as connection:
        who = people(connection)
        rollout = submitted(connection, who)
        prove(connection, rollout.release, live_of(connection))
        conduct.approve(connection, rollout.id, who.grace, True, "")
    with suppress(SystemExit), store.begin() as connection:
        assert tick(connection, rollout) is Action.ADVANCE
        raise SystemExit  # the process dies before its transaction ends
    with store.begin() as connection:
        assert conduct.found(connection, rollout.id).stage is Stage.GATE
        assert tick(connection, rollout) is Action.ADVANCE
        assert live_of(connection) == rollout.release


def test_the_upstream_that_was_proven_is_the_one_that_serves(store: Store) -> None:
    with store.begin() as connection:
        who = people(connection)
        rollout = submitted(connection, who)
        elsewhere = golive.Installation(SIGNER, {**HERE.identities, "demo": "another model"})
        move = conduct.tick(connection, elsewhere, conduct.found(connection, rollout.id), Comparison())
        assert move.action is Action.ABORT
        assert "configured anew" in move.why


def test_what_there_is_not_is_named(connection: Connection) -> None:
    with pytest.raises(NotFound):
        conduct.found(connection, "ro_none")
    with pytest.raises(NotFound):
        conduct.propose(connection, "ghost", "0" * 64, STRAIGHT, "", conduct.Actor("ada", None))
