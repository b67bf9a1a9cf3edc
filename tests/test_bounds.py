"""What is reserved for a call: never less than it can take."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.amounts import Allowance, Amounts
from gateway.bounds import LEAST_CAP, REFERENCE_TOKENS, bound
from gateway.pricing import Price
from gateway.providers.scripted import ScriptedConfig, ScriptedProvider
from gateway.routing import Pool
from gateway.types import Json, Operation
from gateway.upstreams import Upstream
from gateway.wire.surface import Call

TOKENS = (Allowance("key:k", tokens_per_minute=1_000_000),)
BUDGET = (Allowance("key:k", budget=1_000_000_000),)


def upstream(name: str = "a", price: Price | None = None, max_output: int = 5000) -> Upstream:
    return Upstream(name, "scripted", "m", ScriptedProvider(ScriptedConfig()), price, max_output=max_output)


def call(text: str = "hello", **more: object) -> Call:
    body: Json = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    return Call(model="m", body=body, stream=False, asked=body)


POOL = Pool.lone(upstream())


def test_nothing_is_reckoned_where_nothing_is_limited() -> None:
    asked = call()
    assert bound(asked, "chat", POOL, (Allowance("key:k", requests_per_minute=5, concurrent=2),)) == Amounts()
    assert "max_completion_tokens" not in asked.body


@given(st.text(max_size=400))
def test_a_text_has_no_more_tokens_than_bytes(text: str) -> None:
    most = bound(call(text, max_tokens=10), "chat", POOL, TOKENS)
    assert most.tokens >= len(text.encode("utf-8", "surrogatepass")) + 10


@pytest.mark.parametrize(
    ("more", "made"),
    [
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 9}, 9),
        ({"max_tokens": 7, "max_completion_tokens": 9}, 9),
        ({"max_tokens": 7, "n": 3}, 21),
        ({"max_tokens": 7, "n": None}, 7),
    ],
)
def test_an_answer_is_as_long_as_the_call_allows(more: Json, made: int) -> None:
    asked = call(**more)
    given = bound(call(max_tokens=0, **{k: v for k, v in more.items() if "max" not in k}), "chat", POOL, TOKENS).tokens
    assert made <= bound(asked, "chat", POOL, TOKENS).tokens - len("hello")
    assert bound(asked, "chat", POOL, TOKENS).tokens - given <= made + len(orjson.dumps(more))


def test_a_call_that_names_no_maximum_is_given_one() -> None:
    for operation, field in (("chat", "max_completion_tokens"), ("completions", "max_tokens")):
        asked = call()
        kind: Operation = operation  # type: ignore[assignment]
        bound(asked, kind, POOL, TOKENS)
        assert asked.body[field] == 5000


def test_it_is_a_share_of_the_limit_and_not_nothing() -> None:
    asked = call()
    bound(asked, "chat", POOL, (Allowance("key:k", tokens_per_minute=8000),))
    assert asked.body["max_completion_tokens"] == 1000
    asked = call()
    bound(asked, "chat", POOL, (Allowance("key:k", tokens_per_minute=10),))
    assert asked.body["max_completion_tokens"] == LEAST_CAP
    asked = call()
    dear = Pool.lone(upstream(price=Price(0, 10_000_000)))
    bound(asked, "chat", dear, (Allowance("key:k", budget=80_000),))
    assert asked.body["max_completion_tokens"] == 1000


def test_embeddings_make_nothing() -> None:
    body: Json = {"model": "m", "input": ["a", "b"]}
    most = bound(Call(model="m", body=body, stream=False, asked=body), "embeddings", POOL, TOKENS)
    assert 0 < most.tokens < 200
    assert set(body) == {"model", "input"}


def test_what_is_given_by_reference_counts() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    asked = call(max_tokens=1)
    asked.body["messages"][0]["content"] = [{"type": "text", "text": "what is this?"}, image, image]
    assert bound(asked, "chat", POOL, TOKENS).tokens > 2 * REFERENCE_TOKENS


def test_money_is_that_of_the_dearest_upstream_that_may_answer() -> None:
    cheap, dear = upstream("a", Price(1_000_000, 1_000_000)), upstream("b", Price(2_000_000, 9_000_000))
    alone = bound(call(max_tokens=100), "chat", Pool.lone(dear), BUDGET)
    pooled = bound(call(max_tokens=100), "chat", Pool("p", (cheap,), fallbacks=(dear,)), BUDGET)
    assert pooled.money == alone.money >= 900
    assert bound(call(max_tokens=100), "chat", Pool.lone(cheap), BUDGET).money < alone.money
    assert bound(call(max_tokens=100), "chat", POOL, BUDGET).money == 0
