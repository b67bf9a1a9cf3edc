"""The form of messages, against the Standard Webhooks library of the same version; and who is told of what."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from gateway.errors import BadRequest
from gateway.webhooks import ACTS, known, message, new_secret, signed, subscribes, trial, verify

SECRET = new_secret()
ROW = {
    "seq": 7,
    "at": 1_790_000_000_123_000,
    "actor": "ada",
    "key_id": "key_1",
    "action": "prompt.label.moved",
    "object": "prompt:greet",
    "reason": "better",
    "detail": '{"label":"production"}',
    "previous": "0" * 64,
    "hash": "ab" * 32,
    "signature": "c" * 88,
}


@given(data=st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
def test_the_standard_library_verifies_what_is_signed(data: dict[str, str]) -> None:
    body = orjson.dumps(data)
    fields = signed(SECRET, "evt_1", body, time.time())
    assert Webhook(SECRET).verify(body.decode(), fields) == data
    assert verify(SECRET, fields, body) == data


def test_what_the_standard_library_signs_is_verified() -> None:
    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", now, '{"a":1}')
    fields = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(now.timestamp())), "Webhook-Signature": signature}
    assert verify(SECRET, fields, b'{"a":1}') == {"a": 1}
    several = {**fields, "Webhook-Signature": f"v1a,other v1,AAAA {signature}"}
    assert verify(SECRET, several, b'{"a":1}') == {"a": 1}


FIELDS = signed(SECRET, "evt_1", b"{}", 1000)


@pytest.mark.parametrize(
    ("fields", "body", "now", "says"),
    [
        ({}, b"{}", 1000, "no signed message"),
        ({**FIELDS, "webhook-timestamp": "soon"}, b"{}", 1000, "no signed message"),
        ({**FIELDS, "webhook-timestamp": "1001"}, b"{}", 1000, "not that of this secret"),
        ({**FIELDS, "webhook-id": "evt_2"}, b"{}", 1000, "not that of this secret"),
        (FIELDS, b"{ }", 1000, "not that of this secret"),
        ({**FIELDS, "webhook-signature": FIELDS["webhook-signature"].replace("v1,", "v2,")}, b"{}", 1000, "not that"),
        (FIELDS, b"{}", 1301, "replay"),
        (FIELDS, b"{}", 699, "replay"),
    ],
)
def test_anything_else_is_refused(fields: dict[str, str], body: bytes, now: float, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as raised:
        verify(SECRET, fields, body, now)
    assert raised.value.code == "bad_signature"


def test_another_secret_and_none() -> None:
    for secret in (new_secret(), "no base64!"):
        with pytest.raises(BadRequest):
            verify(secret, FIELDS, b"{}", 1000)


def test_a_message_says_what_the_log_says() -> None:
    made = message(ROW)
    assert made.id == f"evt_{'ab' * 12}"
    assert made.event == "prompt.label.moved"
    assert orjson.loads(made.body) == {
        "type": "prompt.label.moved",
        "timestamp": "2026-09-21T14:13:20.123Z",
        "data": {
            "seq": 7,
            "actor": "ada",
            "key_id": "key_1",
            "object": "prompt:greet",
            "reason": "better",
            "detail": {"label": "production"},
        },
    }
    assert message(ROW) == made


def test_a_test_is_told_apart_from_what_happened() -> None:
    made = trial("ada", "webhook:wh_1")
    assert made.event == orjson.loads(made.body)["type"] == "webhooks.tried"
    assert made.event not in ACTS
    assert made.id != trial("ada", "webhook:wh_1").id


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (["*"], True),
        (["prompt."], True),
        (["prompt.label."], True),
        (["prompt.label.moved"], True),
        (["rollout.", "prompt.label.moved"], True),
        (["prompt"], False),
        (["prompt.label"], False),
        (["prompt.label.moved."], False),
        (["keys."], False),
        ([], False),
    ],
)
def test_who_is_told(events: list[str], told: bool) -> None:
    assert subscribes(events, "prompt.label.moved") is told


@pytest.mark.parametrize("event", [*ACTS, "*", "prompt.", "rollout."])
def test_what_can_be_subscribed_to(event: str) -> None:
    assert known(event)


@pytest.mark.parametrize("event", ["", ".", "prompts.", "prompt", "rollout.live", "prompt.*", "**"])
def test_what_never_happens(event: str) -> None:
    assert not known(event)


def test_acts_are_in_order_and_once() -> None:
    assert list(ACTS) == sorted(set(ACTS))
