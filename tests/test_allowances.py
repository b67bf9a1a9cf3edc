"""Allowances as people write them: whose they are, and money that is exact."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.allowances import MICRO, Budget, Scope, shown, those_of
from gateway.amounts import Allowance, Span
from gateway.errors import BadRequest

PERIODS = st.sampled_from(get_args(Span))


@pytest.mark.parametrize("text", ["key:key_0123", "project:web", "team:search", "endpoint:support-bot", "team:a:b"])
def test_a_scope_is_read_as_it_is_written(text: str) -> None:
    scope = Scope.parse(text)
    assert str(scope) == text
    assert scope.kind == text.partition(":")[0]


@pytest.mark.parametrize("text", ["", "team", "team:", ":search", "tenant:x", "Team:search", " team:search"])
def test_what_is_nobody_s_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Scope.parse(text)
    assert refused.value.param == "scope"
    assert "team:NAME" in refused.value.message


@pytest.mark.parametrize(
    ("text", "amount", "period"),
    [
        ("50usd/month", 50 * MICRO, "month"),
        ("0.1usd/day", 100_000, "day"),
        ("0.000001usd/total", 1, "total"),
        ("999999999.999999usd/week", 10**15 - 1, "week"),
        ("007.50usd/week", 7_500_000, "week"),
    ],
)
def test_money_by_the_period(text: str, amount: int, period: str) -> None:
    found = Budget.parse(text)
    assert (found.amount, found.period) == (amount, period)


@given(st.integers(1, 10**15 - 1), PERIODS)
def test_a_budget_is_shown_as_it_is_read(amount: int, period: Span) -> None:
    text = str(Budget(amount, period))
    assert Budget.parse(text) == Budget(amount, period)
    assert Decimal(text.partition("usd/")[0]) * MICRO == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        "50",
        "50usd",
        "50usd/year",
        "50 usd/month",
        "50USD/month",
        "50eur/month",
        "-5usd/month",
        "0usd/month",
        "0.0000001usd/month",
        "1e3usd/month",
        "1_000usd/month",
        "\u0665usd/month",
        "nanusd/month",
        "1000000000usd/month",
        "50usd/month\n",
    ],
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Budget.parse(text)
    assert refused.value.param == "budget"
    assert "50usd/month" in refused.value.message


def test_those_of_some_scopes_come_in_the_order_of_the_scopes() -> None:
    held = {scope: Allowance(scope, concurrent=1) for scope in ("team:a", "key:k", "team:b")}
    assert those_of(held, "key:k", "project:p", "team:a") == (held["key:k"], held["team:a"])
    assert those_of(held) == ()


def test_an_allowance_is_shown_with_its_budget_as_text() -> None:
    assert shown(Allowance("team:a", requests_per_minute=60, budget=1_500_000, budget_period="day")) == {
        "scope": "team:a",
        "requests_per_minute": 60,
        "tokens_per_minute": None,
        "concurrent": None,
        "budget": "1.5usd/day",
    }
    assert shown(Allowance("team:a", concurrent=2))["budget"] is None
