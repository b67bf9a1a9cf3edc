"""Redaction: what is planted in a text is gone, whatever stands around it, and what is harmless stays."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.redaction import CARD_DIGITS, KINDS, Redactor, luhn, mod_97

ALL = Redactor(KINDS)
SECRETS_ONLY = Redactor()
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)
FOUND = {
    "email": ["ada@example.com", "a.b+c@mail.example.co.uk"],
    "phone": ["+49 30 901820", "0049 30 901820", "(212) 555-0123", "212-555-0123", "030 / 901 820", "+14155550123"],
    "card": ["4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", "3782 822463 10005", "6304000000000000"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "no9386011117947"],
    "ip": ["192.168.1.20", "8.8.8.8", "2001:db8::8a2e:370:7334", "::1", "fe80:0:0:0:1:2:3:4"],
    "secret": [
        "sk-proj-abcdefghijklmnopqrstuv",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "xoxb-1234567890-abcdef",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\ncut off here",
    ],
}
STAY = [
    "The year 2025, 1234 items at 12:30:45 for 99.95, version 1.2.3, order 1234567.",
    "4111 1111 1111 1112 has a wrong check digit.",
    "GB81 WEST 1234 5698 7654 32 too",
    "std::vector<int> at @home, 300.300.1.1",
    "max_tokens: 4000, the key idea: think; a task-based risk-averse approach",
    "{'role': 'user', 'content': 'hello'}",
]


@pytest.mark.parametrize(("kind", "planted"), [(kind, one) for kind, ones in FOUND.items() for one in ones])
@given(before=WORDS, after=WORDS)
def test_what_is_planted_is_gone(kind: str, planted: str, before: str, after: str) -> None:
    text = f"{before} | {planted} | {after}"
    done = ALL.redact(text)
    assert planted not in done.value
    assert f"[{kind}]" in done.value
    assert done.counts[kind] >= 1


@pytest.mark.parametrize("text", STAY)
def test_what_is_harmless_stays(text: str) -> None:
    assert ALL.redact(text).value == text
    assert ALL.redact(text).counts == {}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abcdefghijklmnop.qrs", "Authorization: Bearer [secret]"),
        ("password=hunter22 rest", "password=[secret] rest"),
        ('{"api_key": "abc123def456", "n": 1}', '{"api_key": "[secret]", "n": 1}'),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS_SECRET_ACCESS_KEY=[secret]"),
        ("paid 2025-11-25 4111 1111 1111 1111 12", "paid 2025-11-25 [card] 12"),
        ("IBAN DE89 3704 0044 0532 0130 00 THANKS ALOT", "IBAN [iban] THANKS ALOT"),
        ("from 10.0.0.1:8080.", "from [ip]:8080."),
        ("mail ada@example.com.", "mail [email]."),
    ],
)
def test_what_stands_around_stays(text: str, left: str) -> None:
    assert ALL.redact(text).value == left


@given(WORDS)
def test_redacting_again_changes_nothing(text: str) -> None:
    once = ALL.redact(text).value
    assert ALL.redact(once).value == once


@given(JSON)
def test_a_json_value_keeps_its_form(value: Any) -> None:
    def same(a: Any, b: Any) -> bool:
        """Two keys that become one leave one."""
        if isinstance(a, list):
            return isinstance(b, list) and all(map(same, a, b)) and len(a) == len(b)
        return isinstance(a, dict) == isinstance(b, dict)

    done = ALL.redact(value)
    assert same(value, done.value)
    orjson.dumps(done.value)
    if not done.counts:
        assert done.value == value


def test_a_json_value_is_redacted_all_through() -> None:
    value = {
        "messages": [{"role": "user", "content": [{"text": "I am ada@example.com"}]}],
        "ada@example.com": {"card": 4111111111111111, "year": 2025, "ok": True},
        "password": "short",
    }
    done = ALL.redact(value)
    assert done.value == {
        "messages": [{"role": "user", "content": [{"text": "I am [email]"}]}],
        "[email]": {"card": "[card]", "year": 2025, "ok": True},
        "password": "[secret]",
    }
    assert done.counts == {"email": 2, "card": 1, "secret": 1}


def test_only_what_is_asked_for_goes_but_secrets_always() -> None:
    text = "ada@example.com has sk-abcdefghijklmnopqrst"
    assert SECRETS_ONLY.redact(text).value == "ada@example.com has [secret]"
    assert Redactor(["email"]).redact(text).value == "[email] has [secret]"


def test_patterns_of_ones_own() -> None:
    own = Redactor((), {"employee": r"\bE-\d{5}\b", "case": r"case (?P<value>\w+)"})
    assert own.redact("E-12345 in case blue").value == "[employee] in case [case]"
    assert Redactor((), {"nothing": "x*"}).redact("abc").value == "abc"


# Check digits --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 9), min_size=12, max_size=18).filter(any))
def test_one_check_digit_of_ten_is_right_and_a_wrong_digit_shows(digits: list[int]) -> None:
    [check] = [last for last in range(10) if luhn([*digits, last])]
    for place, digit in enumerate(digits):
        wrong = [*digits[:place], (digit + 1) % 10, *digits[place + 1 :], check]
        assert not luhn(wrong)


@given(st.lists(st.integers(0, 9), min_size=12, max_size=18).filter(any), st.sampled_from(["", " ", "-"]))
def test_every_card_number_is_found_in_any_grouping(digits: list[int], between: str) -> None:
    check = next(last for last in range(10) if luhn([*digits, last]))
    number = "".join(map(str, [*digits, check]))
    assert len(number) in CARD_DIGITS
    cuts = [number[at : at + 4] for at in range(0, len(number) - len(number) % 4, 4)]
    cuts[-1] += number[len(number) - len(number) % 4 :]
    assert "card" in Redactor(["card"]).redact(f"x {between.join(cuts)} y").counts


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=11, max_size=30))
def test_an_account_number_has_one_pair_of_check_digits(rest: str) -> None:
    right = [check for check in range(2, 99) if mod_97(f"DE{check:02d}{rest}")]
    assert len(right) == 1
