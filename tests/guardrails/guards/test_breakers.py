from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.errors import NotRun
from guardrails.guards.breakers import Breakers, gone_round, identity
from guardrails.passage import ALONE, Passage, Surroundings, ToolCall
from tests.guardrails.guards.asking import NoModels


def calls(*arguments: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall("look", one) for one in arguments)


def judged(guard: Breakers, made: Sequence[ToolCall], results: Sequence[str] = ()) -> str | None:
    around = Surroundings(calls=tuple(made), results=tuple(results))
    finding = asyncio.run(guard.judge(Passage(made[-1].arguments, "tool_calls"), around, NoModels()))
    assert (finding.score == 1.0) == bool(finding.reason)
    return finding.reason or None


def test_calls_that_get_on_are_let_through() -> None:
    made = calls(*(f'{{"page": {number}}}' for number in range(20)))
    assert judged(Breakers(), made, [str(number) for number in range(20)]) is None


@pytest.mark.parametrize(
    ("guard", "made", "results", "reason"),
    [
        (
            Breakers(same=2),
            calls('{"a": 1, "b": 2}', "{}", '{"b":2,"a":1}', "[]", '{"a": 1,  "b": 2}'),
            (),
            "one call was made 3 times, and 2 are allowed",
        ),
        (
            Breakers(same=9),
            calls("1", "2", "3", "2", "3", "2", "3"),
            (),
            "the same 2 calls were made 3 times in a row, and 2 are allowed",
        ),
        (
            Breakers(idle=2),
            calls("1", "2"),
            ("a", "no", "no", "no"),
            "3 results in a row were the same, and 2 are allowed",
        ),
        (Breakers(calls=1), calls("1", "2"), (), "2 calls were made, and 1 are allowed"),
        (Breakers(size=5), calls("12"), ("1234",), "arguments and results have 6 characters, and 5 are allowed"),
    ],
)
def test_each_bound_is_told(guard: Breakers, made: Sequence[ToolCall], results: Sequence[str], reason: str) -> None:
    assert judged(guard, made, results) == reason


def test_it_does_not_run_where_there_are_no_calls() -> None:
    with pytest.raises(NotRun) as caught:
        asyncio.run(Breakers().judge(Passage("{}", "tool_calls"), ALONE, NoModels()))
    assert not caught.value.due


@given(st.text(max_size=20))
def test_any_arguments_have_an_identity(arguments: str) -> None:
    assert identity(ToolCall("look", arguments)) == identity(ToolCall("look", arguments))
    assert identity(ToolCall("look", arguments)) != identity(ToolCall("take", arguments))


@given(
    st.lists(st.sampled_from("ab"), max_size=6),
    st.lists(st.sampled_from("cd"), min_size=1, max_size=4),
    st.integers(1, 5),
)
def test_rounds_are_counted_at_the_end(before: list[str], turn: list[str], times: int) -> None:
    assert gone_round([*before, *turn * times], len(turn)) == times
