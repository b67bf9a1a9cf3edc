"""Drawing arms: correct to the weight, monotone in it, and the same for whatever is to stay together."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.arms import CONVERSATION, Place, draw, point, sampled, unit_of
from gateway.releases.resolve import LiveRelease, Trial, Unit
from gateway.types import Json, Principal, PromptRef, Release
from gateway.wire.chat import Chat
from gateway.wire.completions import Completions
from gateway.wire.conversation import recall
from gateway.wire.embeddings import Embeddings
from gateway.wire.messages import Messages
from gateway.wire.responses import Responses
from gateway.wire.surface import Call, Surface

CANDIDATE = LiveRelease.of(Release("c" * 64, None, "demo"), None)
TRIAL = Trial("roll_1", CANDIDATE, "canary", 2, 0.25, b"s" * 16, "conversation")
KEY = Principal("key_1", "n")
OTHER = Principal("key_2", "n")
UNITS: tuple[Unit, ...] = ("conversation", "user", "key", "call")
WEIGHTS = st.floats(0, 1, exclude_min=True, exclude_max=True)
SALTS = st.binary(min_size=1, max_size=64)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def call(said: str = "Hi.", /, **fields: Any) -> Call:
    return Chat().read({"model": "bot", "messages": [{"role": "user", "content": said}], **fields})


def unit(asked: Call, principal: Principal = KEY, of: Unit = "conversation", named: bytes | None = None) -> str:
    headers = {} if named is None else {CONVERSATION: named}
    return unit_of(replace(TRIAL, unit=of), asked, principal, headers, "req_1")


@given(SALTS, WEIGHTS)
def test_the_candidate_answers_its_share(salt: bytes, weight: float) -> None:
    """Within six standard errors: one example in half a billion would fail by chance."""
    trial = replace(TRIAL, salt=salt, weight=weight, unit="call")
    asked, n = call(), 2000
    share = sum(draw(trial, asked, KEY, {}, f"req_{number}").arm == "candidate" for number in range(n)) / n
    assert abs(share - weight) <= 6 * math.sqrt(weight * (1 - weight) / n) + 6 / n


@given(SALTS, TEXT, st.lists(WEIGHTS, min_size=2, max_size=6).map(sorted))
def test_who_is_on_the_candidate_stays_there_as_its_share_grows(salt: bytes, said: str, weights: list[float]) -> None:
    places = [draw(replace(TRIAL, salt=salt, weight=w), call(said), KEY, {}, "req_1") for w in weights]
    arms = [place.arm for place in places]
    assert arms == sorted(arms, key="candidate".__eq__)
    assert len({place.unit for place in places}) == 1


@given(st.integers(0, 2**64 - 1))
def test_a_unit_lies_between_nothing_and_one(number: int) -> None:
    assert 0 <= point(f"{number:016x}") < 1


def test_the_largest_share_is_not_passed_and_the_smallest_not_missed() -> None:
    assert point("f" * 16) < 1.0
    assert point("0" * 16) == 0.0


def test_a_place_is_told_whole() -> None:
    place = draw(TRIAL, call(), KEY, {}, "req_1")
    assert place == Place("roll_1", place.arm, 2, unit(call()))
    assert place.unit is not None
    assert len(place.unit) == 16
    assert place.arm == ("candidate" if point(place.unit) < TRIAL.weight else "live")


@given(SALTS, SALTS)
def test_two_rollouts_draw_apart(one: bytes, two: bytes) -> None:
    units = {unit_of(replace(TRIAL, salt=salt), call(), KEY, {}, "req_1") for salt in (one, two)}
    assert len(units) == (1 if one.ljust(64, b"\0") == two.ljust(64, b"\0") else 2)


@pytest.mark.parametrize("of", UNITS)
@given(said=TEXT, user=st.none() | TEXT, key=st.sampled_from([KEY, OTHER]))
def test_the_same_call_is_drawn_the_same(of: Unit, said: str, user: str | None, key: Principal) -> None:
    fields = {} if user is None else {"user": user}
    assert unit(call(said, **fields), key, of=of) == unit(call(said, **fields), key, of=of)


def test_a_unit_of_calls_is_each_call_and_the_same_sent_again() -> None:
    trial = replace(TRIAL, unit="call")
    again = {b"idempotency-key": b"once"}
    drawn = [unit_of(trial, call(), KEY, headers, f"req_{n}") for n, headers in enumerate(({}, {}, again, again))]
    assert len(set(drawn)) == 3
    assert drawn[2] == drawn[3]


def test_a_unit_of_keys_is_the_key_whoever_uses_it() -> None:
    assert unit(call("a", user="ada"), of="key") == unit(call("b", user="bob"), of="key")
    assert unit(call(), KEY, of="key") != unit(call(), OTHER, of="key")


def test_a_unit_of_users_is_the_user_and_without_one_the_key() -> None:
    assert unit(call("a", user="ada"), of="user") == unit(call("b", user="ada"), of="user")
    assert unit(call("a", user="ada"), of="user") == unit(call("b", safety_identifier="ada"), of="user")
    assert unit(call(user="ada"), of="user") != unit(call(user="bob"), of="user")
    assert unit(call("a"), of="user") == unit(call("b"), of="user") == unit(call(), of="key")


def test_names_mean_the_same_within_a_project_and_else_within_a_key() -> None:
    ours = [Principal(f"key_{n}", "n", project="shop") for n in (1, 2)]
    assert unit(call(user="ada"), ours[0]) == unit(call(user="ada"), ours[1])
    assert unit(call(user="ada"), KEY) != unit(call(user="ada"), OTHER)
    assert unit(call(user="ada"), Principal("shop", "n")) != unit(call(user="ada"), ours[0])


@pytest.mark.parametrize("named", [{"metadata": {"conversation_id": "c1"}}, {"user": "ada"}])
def test_a_conversation_is_what_the_client_says(named: Json) -> None:
    assert unit(call("a", **named)) == unit(call("b", **named))
    assert unit(call("a", **named)) != unit(call("a"))


def test_a_conversation_s_name_goes_before_its_user() -> None:
    assert unit(call("a", user="ada"), named=b"c1") == unit(call("b", user="bob"), named=b"c1")
    assert unit(call("a"), named=b"c1") == unit(call("b", metadata={"conversation_id": "c1"}))
    assert unit(call("a", metadata={"conversation_id": "c1"}), named=b"c2") == unit(call("a"), named=b"c2")
    assert unit(call("a"), named=b"") == unit(call("a"))


@given(first=TEXT, turns=st.lists(st.sampled_from(["assistant", "user", "tool"]), max_size=6))
def test_a_conversation_without_a_name_is_known_by_how_it_began(first: str, turns: list[str]) -> None:
    """Clients send the whole conversation with each turn."""
    began = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": first}]
    more = [{"role": role, "content": "x", **({"tool_call_id": "t"} if role == "tool" else {})} for role in turns]
    one, later = (Chat().read({"model": "bot", "messages": said}) for said in (began, began + more))
    assert unit(one) == unit(later)


def test_conversations_that_begin_otherwise_are_others() -> None:
    asked = [call("a"), call("b"), call("a", prompt_cache_key="k")]
    asked += [Chat().read({"model": "bot", "prompt": {"id": "p", "variables": {"v": v}}}) for v in ("1", "2")]
    assert len({unit(one) for one in asked}) == len(asked)
    assert unit(call("a"), KEY) != unit(call("a"), OTHER)


def test_a_cache_key_that_many_share_is_no_conversation() -> None:
    assert unit(call("a", prompt_cache_key="ours")) != unit(call("b", prompt_cache_key="ours"))


def test_a_stored_conversation_goes_on_where_it_began() -> None:
    first = Responses().read({"model": "bot", "input": "Hi."})
    later = Responses().read({"model": "bot", "input": "And now?", "previous_response_id": "resp_1"})
    recall(later, [*first.turn, {"role": "assistant", "content": "Hello."}])
    assert unit(first) == unit(later)


@pytest.mark.parametrize(
    ("surface", "body"),
    [
        (Chat(), {"messages": [{"role": "user", "content": "Hi."}]}),
        (Responses(), {"input": "Hi."}),
        (Messages(), {"messages": [{"role": "user", "content": "Hi."}], "max_tokens": 5}),
    ],
)
def test_a_conversation_is_the_same_through_every_api(surface: Surface, body: Json) -> None:
    assert unit(surface.read({"model": "bot", **body})) == unit(call("Hi."))


@pytest.mark.parametrize(("surface", "field"), [(Completions(), "prompt"), (Embeddings(), "input")])
def test_what_is_no_conversation_is_known_by_its_text(surface: Surface, field: str) -> None:
    one, same, other = (surface.read({"model": "bot", field: text}) for text in ("a", "a", "b"))
    assert unit(one) == unit(same) != unit(other)


@pytest.mark.parametrize("odd", ["c1", 5, ["c1"], None, {"conversation_id": 5}, {"conversation_id": ""}])
def test_what_is_no_name_names_nothing(odd: object) -> None:
    """Not every API checks what its metadata are."""
    asked = Completions().read({"model": "bot", "prompt": "Hi.", "metadata": odd})
    assert unit(asked) == unit(Completions().read({"model": "bot", "prompt": "Hi."}))


@given(SALTS, st.floats(0, 1))
def test_a_sample_is_its_share_of_calls(salt: bytes, sample: float) -> None:
    trial, n = replace(TRIAL, salt=salt, weight=0.0, sample=sample), 1000
    share = sum(sampled(trial, f"req_{number}") for number in range(n)) / n
    assert abs(share - sample) <= 6 * math.sqrt(sample * (1 - sample) / n) + 6 / n


def test_all_and_none_can_be_sampled() -> None:
    assert all(sampled(replace(TRIAL, sample=1.0), f"req_{n}") for n in range(200))
    assert not any(sampled(replace(TRIAL, sample=0.0), f"req_{n}") for n in range(200))


def test_a_prompt_s_variables_tell_conversations_apart() -> None:
    asked = call("Hi.")
    asked.prompt = PromptRef("p", None, {"b": 1, "a": 2})
    same = call("Hi.")
    same.prompt = PromptRef("p", None, {"a": 2, "b": 1})
    assert unit(asked) == unit(same) != unit(call("Hi."))
