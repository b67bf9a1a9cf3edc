"""Prices: exact integers, each token paid for once; the shipped table and what outranks it."""

from __future__ import annotations

import datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pricing import MILLION, Listed, Price, PriceTable, cost
from gateway.providers.build import Builder
from gateway.settings import PriceOverride, ScriptedSettings
from gateway.types import Usage

TOKENS = st.integers(0, 10**9)
RATES = st.integers(0, 10**9)
PRICES = st.builds(Price, RATES, RATES, st.none() | RATES, st.none() | RATES)
USAGES = st.builds(Usage, TOKENS, TOKENS, TOKENS, TOKENS)
GPT = Price(input=2_500_000, output=10_000_000, cached_input=1_250_000)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(), 0),
        (Usage(input=1000), 2500),
        (Usage(output=1000), 10_000),
        (Usage(input=1000, output=1000), 12_500),
        (Usage(input=1000, cached=400), 2000),
        (Usage(input=1000, cached=1000), 1250),
        (Usage(output=1000, reasoning=900), 10_000),
        (Usage(input=1), 3),  # 2.5, half up
        (Usage(input=1, cached=1), 1),  # 1.25
    ],
)
def test_what_a_call_costs(usage: Usage, expected: int) -> None:
    assert cost(GPT, usage) == expected


def test_reasoning_has_a_price_of_its_own_where_it_is_given() -> None:
    assert cost(Price(0, 10_000_000, reasoning=20_000_000), Usage(output=1000, reasoning=900)) == 100 * 10 + 900 * 20


def test_without_a_cached_price_cached_tokens_cost_what_others_do() -> None:
    assert cost(Price(2_500_000), Usage(input=1000, cached=400)) == 2500
    assert cost(Price(2_500_000, cached_input=0), Usage(input=1000, cached=400)) == 1500


def test_without_a_price_a_call_is_unpriced() -> None:
    assert cost(None, Usage(input=1000, output=1000)) == 0


@given(PRICES, USAGES)
def test_a_cost_is_the_exact_sum_rounded_once(price: Price, usage: Usage) -> None:
    cached, reasoning = min(usage.cached, usage.input), min(usage.reasoning, usage.output)
    exact = Fraction(
        (usage.input - cached) * price.input
        + cached * (price.cached_input if price.cached_input is not None else price.input)
        + (usage.output - reasoning) * price.output
        + reasoning * (price.reasoning if price.reasoning is not None else price.output),
        MILLION,
    )
    found = cost(price, usage)
    assert type(found) is int
    assert found >= 0
    assert -Fraction(1, 2) < found - exact <= Fraction(1, 2)


@given(PRICES, USAGES, USAGES)
def test_two_calls_cost_what_both_together_do(price: Price, one: Usage, other: Usage) -> None:
    """But for the rounding of each; for figures as upstreams give them, where the parts are parts."""

    def whole(usage: Usage) -> Usage:
        return Usage(usage.input + usage.cached, usage.output + usage.reasoning, usage.cached, usage.reasoning)

    one, other = whole(one), whole(other)
    both = Usage(
        one.input + other.input, one.output + other.output, one.cached + other.cached, one.reasoning + other.reasoning
    )
    assert abs(cost(price, one) + cost(price, other) - cost(price, both)) <= 1


def test_figures_that_contradict_each_other_are_not_paid_twice() -> None:
    """More cached tokens than tokens, as some upstreams tell: never more than all of them, never a negative rest."""
    assert cost(GPT, Usage(input=100, cached=1000)) == 125
    assert cost(GPT, Usage(output=100, reasoning=1000)) == 1000


# The table -----------------------------------------------------------------------------------------------------------


def test_the_shipped_table_is_sound() -> None:
    table = PriceTable.load()
    assert datetime.date.fromisoformat(table.version) >= datetime.date(2026, 1, 1)
    assert len(table.models) > 100
    for name, listed in table.models.items():
        price = listed.price
        rates = [
            price.input,
            price.output,
            *(rate for rate in (price.cached_input, price.reasoning) if rate is not None),
        ]
        assert all(type(rate) is int and 0 <= rate < 10**9 for rate in rates), name
        assert price.cached_input is None or price.cached_input <= price.input, name
        if listed.shutdown_date is not None:
            datetime.date.fromisoformat(listed.shutdown_date)


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("gpt-9", "gpt-9"),
        ("openai/gpt-9", "gpt-9"),
        ("azure/eu/gpt-9", "gpt-9"),
        ("gpt-9-2026-05-01", "gpt-9"),
        ("gpt-9-20260501", "gpt-9"),
        ("gpt-9@20260501", "gpt-9"),
        ("gpt-9-latest", "gpt-9"),
        ("gpt-9-0613", "gpt-9"),
        ("gpt-9-2026-01-01", "gpt-9-2026-01-01"),
        ("org/model", "org/model"),
        ("gpt-9-mini", None),
        ("gpt-90", None),
        ("", None),
    ],
)
def test_a_model_is_found_by_its_name(model: str, found: str | None) -> None:
    names = ["gpt-9", "gpt-9-2026-01-01", "org/model", "model"]
    models = {name: Listed(Price(number + 1)) for number, name in enumerate(names)}
    assert PriceTable("v", models).find("openai", model) == (models[found] if found is not None else None)


async def build(settings: ScriptedSettings) -> tuple[Price | None, str | None]:
    builder = Builder(PriceTable("v", {"listed": Listed(Price(1, 2, 3), "2027-01-01")}))
    try:
        upstream = builder.build("u", settings)
        return upstream.price, upstream.shutdown_date
    finally:
        await builder.close()


@pytest.mark.anyio
async def test_what_is_configured_outranks_the_table() -> None:
    assert await build(ScriptedSettings(provider="scripted", model="listed")) == (Price(1, 2, 3), "2027-01-01")
    assert await build(ScriptedSettings(provider="scripted", model="unlisted")) == (None, None)
    override = PriceOverride(input=10, output=20, cached_input=0, reasoning=40)
    mine = ScriptedSettings(provider="scripted", model="listed", price=override, shutdown_date="2028-01-01")
    assert await build(mine) == (Price(10, 20, 0, 40), "2028-01-01")
