"""The client on the way to production: releases, rollouts, evidence, decisions, the way back, and what became of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.client.results.rollouts import Rollout
from gateway.errors import Conflict, Forbidden, NotFound
from tests.client.halves import Half
from tests.client.people import People
from tests.running import Gateway

SUITE = "5" * 64
GATE = {"requires": [{"metric": "accuracy", "suite": SUITE, "margin": 0.05}], "approvals": 1}
STRAIGHT = {"canary": None}
"""From the gate to live."""
NAMES = (f"client-{number}" for number in itertools.count())


@pytest.fixture
def bot(half: Half, people: People) -> str:
    """A protected endpoint that serves a prompt of its name, in its first version."""
    name = next(NAMES)
    applied = half.run(
        people.root.releases.apply(
            {
                "prompts": {name: {"messages": [{"role": "user", "content": "Greet me ☺."}]}},
                "endpoints": {name: {"prompt": name, "upstream": "demo"}},
            }
        )
    )
    assert [change.kind for change in applied] == ["prompt", "endpoint"]
    assert half.run(people.root.endpoints.put_gate(name, GATE)) is None
    half.run(people.ada.prompts.save(name, {"messages": [{"role": "user", "content": "Greet me warmly ☺."}]}))
    return name


def evidence(release: str, baseline: str, better: float) -> dict[str, Any]:
    """Of a candidate that is that much better, on a suite of 60 items."""
    items = [
        {"id": f"item {n}", "candidate": {"accuracy": 0.5 + better + n % 2 / 100}, "baseline": {"accuracy": 0.5}}
        for n in range(60)
    ]
    run = {"release": release, "baseline": baseline, "suite": SUITE, "dataset": "6" * 64, "made": time.time()}
    return {**run, "items": items}


def came_to(half: Half, ask: Callable[[], Rollout], state: str) -> Rollout:
    """The rollout once its controller, which looks once a second, has taken it there."""
    half.until(lambda: half.run(ask()).state == state)
    return half.run(ask())


def proposed(half: Half, people: People, bot: str) -> Rollout:
    change = {"prompt": f"{bot}@2"}
    rollouts = people.ada.rollouts
    return half.run(rollouts.propose(bot, change=change, plan=STRAIGHT, reason="Warmer.", submit=True))


def test_a_release_goes_live_and_back(half: Half, people: People, bot: str) -> None:
    rollout = proposed(half, people, bot)
    assert (rollout.stage, rollout.author, rollout.open) == ("gate", "ada", True)
    assert rollout.control is not None
    made = half.run(people.ada.evidence.post(evidence(rollout.release, rollout.control, 0.1)))
    assert half.run(people.ada.evidence.post(half.run(people.ada.evidence.get(made.id)).body or {})) == made
    assert [one.id for one in half.run(people.ada.evidence.list(rollout.release))] == [made.id]
    assert made.suite is not None
    (suite,) = half.run(people.ada.evidence.suites())
    assert made.id in {one.id for one in half.run(people.ada.evidence.list(suite=suite.suite))}
    assert {one["name"] for one in half.run(people.ada.evidence.overview(made.id)).metrics} == set(made.metrics)
    with pytest.raises(Forbidden):
        half.run(people.ada.rollouts.approve(rollout.id))
    half.run(people.grace.rollouts.approve(rollout.id, "Read it.", conditions=["Tell the team."]))
    half.run(people.grace.rollouts.meet(rollout.id, 1))
    done = came_to(half, lambda: people.ada.rollouts.get(rollout.id), "live")
    assert [said.by for said in done.approvals] == ["grace"]
    assert [step.action for step in done.history][:3] == ["proposed", "submitted", "approved_with_conditions"]
    [decision] = half.run(people.ada.decisions.list(bot))
    assert (decision.outcome, decision.genuine) == ("go_with_conditions", True)
    assert half.run(people.ada.decisions.get(decision.id)) == decision
    serving = {one.name: one for one in half.run(people.ada.endpoints.list())}[bot]
    assert (serving.prompt, serving.release) == (f"{bot}@2", rollout.release)
    back = half.run(people.grace.endpoints.roll_back(bot, "Too warm."))
    assert (back.before, back.release) == (rollout.release, rollout.control)
    endpoint = half.run(people.ada.endpoints.get(bot))
    assert [was.release for was in endpoint.history][:2] == [rollout.control, rollout.release]


def test_a_rollout_can_be_stopped(half: Half, people: People, bot: str) -> None:
    rollouts = people.ada.rollouts
    draft = half.run(rollouts.propose(bot, change={"parameters": {"temperature": 1}}))
    assert draft.stage == "draft"
    submitted = half.run(rollouts.submit(draft.id))
    assert half.run(rollouts.pause(submitted.id, "Lunch.")).state == "paused"
    assert half.run(rollouts.resume(submitted.id)).state == "running"
    with pytest.raises(Conflict):
        half.run(rollouts.resume(submitted.id))
    assert half.run(people.grace.rollouts.reject(submitted.id, "Too hot.")).id == draft.id
    came_to(half, lambda: rollouts.get(draft.id), "aborted")
    other = proposed(half, people, bot)
    assert half.run(rollouts.abort(other.id, "Changed my mind.")).state == "aborted"
    assert {one.id for one in half.run(rollouts.list(endpoint=bot))} == {draft.id, other.id}
    assert half.run(rollouts.list(endpoint=bot, state="open")) == ()
    with pytest.raises(NotFound):
        half.run(rollouts.get("ro_nobody"))


def test_a_gate_is_changed_by_two(half: Half, people: People, bot: str) -> None:
    stricter = {**GATE, "approvals": 2}
    change = half.run(people.boss.endpoints.put_gate(bot, stricter, "One is not enough."))
    assert change is not None
    assert change.id in [one.id for one in half.run(people.ada.endpoints.gate_changes("waiting"))]
    assert half.run(people.grace.endpoints.approve_gate(change.id)).decided_by == "grace"
    gate = half.run(people.ada.endpoints.get(bot)).gate
    assert gate is not None
    assert gate["approvals"] == 2
    away = half.run(people.boss.endpoints.put_gate(bot, None, "Away with it."))
    assert away is not None
    assert half.run(people.grace.endpoints.reject_gate(away.id)).state == "refused"


def test_the_glass_is_broken_and_swept_up(half: Half, people: People, bot: str) -> None:
    release = half.run(people.ada.releases.make(upstream="demo", prompt=f"{bot}@2")).digest
    live = half.run(people.ada.endpoints.get(bot)).release
    half.run(people.ada.evidence.post(evidence(release, str(live), 0.1)))
    breaking = half.run(people.grace.endpoints.break_glass(bot, release, "The old one is harmful."))
    assert breaking.id in [one.id for one in half.run(people.ada.endpoints.breakings(unreviewed=True))]
    with pytest.raises(Forbidden):
        half.run(people.grace.endpoints.review(breaking.id, "Fine by me."))
    assert half.run(people.root.endpoints.review(breaking.id, "It was.")).review == "It was."


def test_releases_are_made_and_read(half: Half, people: People, bot: str) -> None:
    made = half.run(people.ada.releases.make(upstream="other", prompt=f"{bot}@2", parameters={"temperature": 0}))
    assert half.run(people.ada.releases.get(made.digest)) == made
    decided = half.run(
        people.grace.decisions.record(bot, made.digest, "return_to_phase", "More data first.", phase="data_preparation")
    )
    assert (decided.outcome, decided.body["phase"]) == ("return_to_phase", "data_preparation")


def test_what_became_of_a_call(half: Half, people: People, gateway: Gateway) -> None:
    body = {"model": "support-bot", "messages": [{"role": "user", "content": "The capital of France?"}]}
    reply = httpx.post(f"{gateway.api}/chat/completions", json=body, headers=gateway.headers)
    call = reply.headers["x-request-id"]
    said = half.run(people.root.feedback.give(call, score=1, value={"amount": 1.5}, minutes_saved=3))
    assert (said.call, said.score, said.value, said.minutes_saved) == (call, 1.0, 1_500_000, 3.0)
    assert [one.id for one in half.run(people.root.feedback.list(call=call))] == [said.id]
    gateway.record(call)
    worth = half.run(people.ada.value.get("support-bot", since="1h", hourly_rate=60))
    assert (worth.endpoint, worth.hourly_rate) == ("support-bot", 60)
    assert worth.served["calls"] >= 1


def test_what_a_guard_stopped(half: Half, people: People, gateway: Gateway) -> None:
    name = next(NAMES)
    guarded = {"input": [{"guard": "patterns", "words": ["frobozz"], "action": "block"}]}
    manifest = {"policies": {name: guarded}, "endpoints": {name: {"upstream": "demo", "policy": name}}}
    half.run(people.root.releases.apply(manifest))
    half.until(lambda: name in gateway.models())
    body = {"model": name, "messages": [{"role": "user", "content": "Say frobozz."}]}
    reply = httpx.post(f"{gateway.api}/chat/completions", json=body, headers=gateway.headers)
    call = reply.headers["x-request-id"]
    gateway.record(call)
    assert [one.call for one in half.run(people.ada.reviews.list(endpoint=name, undecided=True))] == [call]
    made = half.run(people.ada.reviews.decide(call, "allow", text="Say frobozz.", note="A game."))
    assert (made.by, made.guard, made.new, made.policy is None) == ("ada", "patterns", True, False)
    undone = half.run(people.ada.reviews.undo(made.id))
    assert (undone.undone_by, undone.policy, "needs no change" in undone.why) == ("ada", None, True)
    half.run(people.ada.reviews.decide(call, "example", text="Say frobozz.", label="harmless"))
    assert [one.label for one in half.run(people.ada.reviews.examples(endpoint=name))] == [0]
    shown = half.run(people.ada.reviews.get(call))
    assert (len(shown.passages), len(shown.decisions)) == (1, 2)


def test_what_was_done_is_in_the_log(half: Half, people: People, bot: str) -> None:
    entries = half.run(people.ada.audit.list(action="prompt.version", object=f"prompt:{bot}@2"))
    assert [(entry.actor, entry.action) for entry in entries] == [("ada", "prompt.version.created")]
    older = half.run(people.ada.audit.list(actor="ada", before=entries[0].seq, limit=1))
    assert all(entry.seq < entries[0].seq for entry in older)
    checked = half.run(people.ada.audit.verify())
    assert (checked.wrong, checked.entries >= entries[0].seq) == (None, True)
    assert half.run(people.ada.audit.checkpoint())["seq"] >= entries[0].seq
