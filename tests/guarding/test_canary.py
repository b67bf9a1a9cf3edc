from __future__ import annotations

from gateway.guarding.canary import placed, token, wanted
from gateway.types import Json
from guardrails.policy import parse


def test_a_canary_is_one_for_a_release_and_a_key() -> None:
    assert token(b"key", "one") == token(b"key", "one")
    assert len({token(b"key", "one"), token(b"key", "two"), token(b"other", "one")}) == 3


def test_it_stands_at_the_end_of_the_first_system_message() -> None:
    body: Json = {
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello."}],
        "n": 1,
    }
    made = placed(body, "c0ffee")
    assert made is not None
    assert made["messages"][0]["content"] == "Be kind.\n\n<!-- c0ffee -->"
    assert made["messages"][1:] == body["messages"][1:]
    assert body["messages"][0] == {"role": "system", "content": "Be kind."}


def test_where_the_message_has_parts_it_is_one_of_them() -> None:
    part = {"type": "text", "text": "Be kind."}
    made = placed({"messages": [{"role": "developer", "content": [part]}]}, "c0ffee")
    assert made is not None
    assert made["messages"][0]["content"] == [part, {"type": "text", "text": "\n\n<!-- c0ffee -->"}]


def test_without_a_system_message_there_is_none() -> None:
    assert placed({"messages": [{"role": "user", "content": "Hello."}]}, "c0ffee") is None


def test_only_a_guard_that_asks_for_it_has_one() -> None:
    assert wanted(parse({"tool_calls": [{"guard": "leakage", "canary": True}]}), None)
    assert not wanted(parse({"output": ["leakage"]}), None)
