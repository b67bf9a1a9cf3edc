"""Feedback as clients give it: what may be said, of whose calls, and that saying it twice does no harm."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import feedback
from gateway.errors import BadRequest, NotFound, RateLimited, Unavailable
from gateway.feedback import Intake, Opinion
from gateway.record import CallRecord
from gateway.store import calls, responses
from gateway.store import feedback as rows
from gateway.store.engine import Store
from gateway.store.feedback import Filter
from gateway.store.responses import StoredResponse
from gateway.types import Principal
from tests.inside import Inside, inside
from tests.waiting import until

ADA = Principal("key_ada", "app", owner="ada")
EVE = Principal("key_eve", "eve")
JUDGE = Principal("key_judge", "judge", frozenset(("evaluator",)))
CALL = "req_0123456789abcdef00000001"
RECORD = CallRecord(CALL, 1, "chat", 200, key_id="key_ada", endpoint="bot", release="d1")


@pytest.fixture
def intake(store: Store) -> Intake:
    return Intake(store)


def ship(store: Store, record: CallRecord = RECORD) -> None:
    with store.begin() as connection:
        calls.ship(connection, "segment", 1, [record])


def kept(store: Store) -> list[rows.Feedback]:
    with store.begin() as connection:
        return rows.find(connection, Filter(), 2000)


# What may be said ----------------------------------------------------------------------------------------------------


@given(
    st.fixed_dictionaries(
        {"score": st.booleans() | st.integers(0, 1) | st.floats(0, 1)},
        optional={
            "metric": st.sampled_from(["helpful", "tone", "resolved-first"]),
            "source": st.sampled_from(["user", "person", "judge"]),
            "outcome": st.sampled_from(["resolved", "escalated to a person"]),
            "correction": st.just("Paris."),
            "comment": st.just("Close."),
            "value": st.fixed_dictionaries({"amount": st.floats(-100, 100), "currency": st.just("USD")}),
            "minutes_saved": st.floats(-100, 100),
        },
    )
)
def test_what_is_said_is_what_is_kept(said: dict[str, Any]) -> None:
    shown = feedback.shown(Opinion.read({"call": CALL, **said}).by(ADA, CALL))
    assert shown["score"] == float(said["score"])
    assert (shown["metric"], shown["source"]) == (said.get("metric", "helpful"), said.get("source", "user"))
    for name in ("outcome", "correction", "comment"):
        assert shown[name] == said.get(name)
    if "value" in said:
        assert shown["value"] == pytest.approx(said["value"]["amount"] * 1e6, abs=0.5)
    if "minutes_saved" in said:
        assert shown["minutes_saved"] == pytest.approx(said["minutes_saved"])
    assert (shown["call"], shown["key_id"], shown["by"]) == (CALL, "key_ada", "ada")
    assert shown["bound"] is False


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({}, None),
        ({"metric": "tone"}, None),
        ({"score": 1.1}, "score"),
        ({"score": -0.1}, "score"),
        ({"score": "0.5"}, "score"),
        ({"score": 1, "call": "chatcmpl-1"}, "call"),
        ({"score": 1, "call": "req_"}, "call"),
        ({"score": 1, "call": "req_1\n"}, "call"),
        ({"score": 1, "call": 7}, "call"),
        ({"score": 1, "metric": "Helpful!"}, "metric"),
        ({"score": 1, "source": "somebody"}, "source"),
        ({"outcome": ""}, "outcome"),
        ({"outcome": "x" * 65}, "outcome"),
        ({"outcome": "a\nb"}, "outcome"),
        ({"correction": "a\0b"}, "correction"),
        ({"comment": "x" * 4097}, "comment"),
        ({"value": 3}, "value"),
        ({"value": {"amount": 3, "currency": "EUR"}}, "value.currency"),
        ({"value": {"amount": 1e10}}, "value.amount"),
        ({"minutes_saved": 1e7}, "minutes_saved"),
        ({"score": 1, "key_id": "key_eve"}, "key_id"),
    ],
)
def test_what_may_not_be_said(said: dict[str, Any], param: str | None) -> None:
    with pytest.raises(BadRequest) as refused:
        Opinion.read({"call": CALL, **said})
    assert (refused.value.param, refused.value.code) == (param, "invalid_value")


def test_minutes_may_have_been_lost() -> None:
    lost = Opinion.read({"call": CALL, "minutes_saved": -5}).by(ADA, CALL)
    assert (lost.seconds_saved, feedback.shown(lost)["minutes_saved"]) == (-300.0, -5.0)


def test_a_call_that_is_named_by_its_completion_is_told_where_its_id_is() -> None:
    with pytest.raises(BadRequest, match="x-request-id"):
        Opinion.read({"call": "chatcmpl-1", "score": 1})


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_one_id_for_what_one_key_says_under_one_name(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    def said(metric: str, key: str, comment: str) -> str:
        opinion = Opinion(call=CALL, metric=f"m{len(metric)}", comment=f"{comment}.".replace("\0", ""))
        return opinion.by(Principal(key, "n"), CALL).id

    same = (len(one[0]), one[1]) == (len(other[0]), other[1])
    assert (said(*one) == said(*other)) == same


# Whose calls ---------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_of_its_own_call(intake: Intake, store: Store) -> None:
    ship(store)
    said = await intake.take(ADA, {"call": CALL, "score": True})
    assert (said["bound"], said["endpoint"], said["release"], said["score"]) == (True, "bot", "d1", 1.0)
    assert [feedback.shown(row) for row in kept(store)] == [said]


@pytest.mark.anyio
async def test_of_anothers_call_only_who_evaluates(intake: Intake, store: Store) -> None:
    ship(store)
    with pytest.raises(NotFound) as refused:
        await intake.take(EVE, {"call": CALL, "score": True})
    assert (refused.value.code, refused.value.param) == ("call_not_found", "call")
    assert kept(store) == []
    said = await intake.take(JUDGE, {"call": CALL, "score": 0.5, "source": "judge"})
    assert said["bound"]


@pytest.mark.anyio
async def test_of_a_call_that_is_not_recorded_yet(intake: Intake, store: Store) -> None:
    for who in (ADA, EVE, JUDGE):
        assert not (await intake.take(who, {"call": CALL, "score": 1}))["bound"]
    ship(store)
    intake.settle(0.0)
    assert {said.key_id for said in kept(store) if said.endpoint == "bot"} == {"key_ada", "key_judge"}
    assert len(kept(store)) == 2
    figures = {name: value for name, (_, value) in intake.gauges().items()}
    assert figures == {"feedback_taken": 3, "feedback_bound": 2, "feedback_dropped": 1}


@pytest.mark.anyio
async def test_of_a_call_that_never_was(intake: Intake, store: Store) -> None:
    said = await intake.take(ADA, {"call": CALL, "score": 1})
    intake.settle(said["at"] + feedback.GIVEN_UP)
    assert len(kept(store)) == 1
    intake.settle(said["at"] + feedback.GIVEN_UP + 1)
    assert kept(store) == []
    assert intake.dropped == 1


@pytest.mark.anyio
async def test_of_a_stored_response(intake: Intake, store: Store) -> None:
    ship(store)
    with store.begin() as connection:
        row = StoredResponse("resp_1", "key_ada", 1.0, "completed", {}, [], None, 9e9, CALL)
        responses.put(connection, row)
    said = [await intake.take(who, {"call": "resp_1", "score": 1}) for who in (ADA, JUDGE)]
    assert [one["call"] for one in said] == [CALL, CALL]
    assert (await intake.take(ADA, {"call": CALL, "score": 0}))["id"] == said[0]["id"]
    for who, call in ((EVE, "resp_1"), (ADA, "resp_2")):
        with pytest.raises(NotFound) as refused:
            await intake.take(who, {"call": call, "score": 1})
        assert refused.value.code == "call_not_found"


# Bounds --------------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_said_twice_is_said_once(intake: Intake, store: Store) -> None:
    ship(store)
    first = await intake.take(ADA, {"call": CALL, "score": 1, "comment": "Good."})
    second = await intake.take(ADA, {"call": CALL, "score": 0})
    assert first["id"] == second["id"]
    assert [(row.score, row.comment) for row in kept(store)] == [(0.0, None)]


@pytest.mark.anyio
async def test_a_key_has_so_many_words_on_a_call(intake: Intake, store: Store) -> None:
    ship(store)
    for number in range(feedback.MOST_OF_CALL):
        await intake.take(ADA, {"call": CALL, "metric": f"m{number}", "score": 1})
    with pytest.raises(BadRequest) as refused:
        await intake.take(ADA, {"call": CALL, "metric": "more", "score": 1})
    assert refused.value.code == "too_many_metrics"
    await intake.take(ADA, {"call": CALL, "metric": "m0", "score": 0})
    await intake.take(JUDGE, {"call": CALL, "metric": "more", "score": 0})


@pytest.mark.anyio
async def test_so_much_of_a_key_may_wait(intake: Intake, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "MOST_WAITING", 2)
    for number in range(2):
        await intake.take(ADA, {"call": f"req_{number}", "score": 1})
    with pytest.raises(RateLimited) as refused:
        await intake.take(ADA, {"call": "req_2", "score": 1})
    assert refused.value.code == "too_many_waiting"
    ship(store)
    await intake.take(ADA, {"call": CALL, "score": 1})
    await intake.take(EVE, {"call": "req_2", "score": 1})


@pytest.mark.anyio
async def test_without_a_database_it_is_to_be_said_again(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        await Intake(Store(f"sqlite:///{tmp_path / 'no' / 'folder'}")).take(ADA, {"call": CALL, "score": 1})
    assert refused.value.retryable


# Over the wire -------------------------------------------------------------------------------------------------------


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(tmp_path, upstreams={"demo": {"provider": "scripted"}}) as started:
        await started.apply("endpoints: {bot: {upstream: demo}}")
        yield started


@pytest.mark.anyio
async def test_at_once_after_the_call(running: Inside) -> None:
    headers = await running.key()
    asked = {"model": "bot", "messages": [{"role": "user", "content": "Hi."}]}
    answered = await running.client.post("/v1/chat/completions", json=asked, headers=headers)
    call = answered.headers["x-request-id"]
    said = {"call": call, "score": 1, "comment": "Well."}
    reply = await running.client.post("/v1/feedback", json=said, headers=headers)
    assert reply.status_code == 200
    assert (reply.json()["object"], reply.json()["call"]) == ("feedback", call)

    async def bound() -> bool:
        found = await running.services.read(lambda connection: rows.find(connection, Filter(call=call), 9))
        return [(row.endpoint, row.release, row.score, row.comment) for row in found] == [
            ("bot", answered.headers["x-sluice-release"], 1.0, "Well.")
        ]

    await until(bound)


@pytest.mark.anyio
async def test_by_the_id_of_the_response(running: Inside) -> None:
    headers = await running.key()
    asked = {"model": "bot", "input": "Hi."}
    answered = await running.client.post("/v1/responses", json=asked, headers=headers)
    said = {"call": answered.json()["id"], "score": 1}
    reply = await running.client.post("/v1/feedback", json=said, headers=headers)
    assert reply.json()["call"] == answered.headers["x-request-id"]


@pytest.mark.anyio
async def test_what_cannot_be_used_is_refused(running: Inside) -> None:
    headers = await running.key()
    for body, code in ((b"{", "invalid_json"), (b'{"score": 1}', "invalid_value"), (b'{"a":1,"a":1}', "duplicate_key")):
        reply = await running.client.post("/v1/feedback", content=body, headers=headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
    refused = await running.client.post("/v1/feedback", content=b"", headers={**headers, "content-type": "text/plain"})
    assert refused.status_code == 415
    assert (await running.client.post("/v1/feedback", json={"call": CALL, "score": 1})).status_code == 401


@pytest.mark.anyio
async def test_many_at_once_lose_nothing(running: Inside) -> None:
    headers = await running.key()

    async def say(metric: int) -> int:
        said = {"call": CALL, "metric": f"m{metric}", "score": 1}
        return (await running.client.post("/v1/feedback", json=said, headers=headers)).status_code

    assert set(await asyncio.gather(*(say(number % 10) for number in range(40)))) == {200}
    found = await running.services.read(lambda connection: rows.find(connection, Filter(), 99))
    assert {row.metric for row in found} == {f"m{number}" for number in range(10)}
    assert len(found) == 10
