"""The arithmetic of multi graders."""

from __future__ import annotations

import pytest

from evals.errors import BadInput
from evals.graders.formula import check, compute

SCORES = {"a": 0.5, "b": 2.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + b", 2.5),
        ("0.7 * a + 0.3 * b", 0.95),
        ("-a ** 2 % 2", 1.75),
        ("min(a, b, 0.1)", 0.1),
        ("max(a, b) / sqrt(4)", 1.0),
        ("floor(b + a) + ceil(a) + abs(-1)", 4.0),
        ("exp(log(b))", 2.0),
    ],
)
def test_formulas(text: str, value: float) -> None:
    check(text, SCORES)
    assert compute(text, SCORES) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    ["", "a +", "c", "a.real", "a if b else 1", "[a]", "__import__('os')", "min(*a)", "min(a, key=b)", "'x' * 9",
     "True", "a < b", "lambda: a", "sum(a, b)", "min()"],
)  # fmt: skip
def test_nothing_else_is_known(text: str) -> None:
    with pytest.raises(BadInput):
        check(text, SCORES)


@pytest.mark.parametrize("text", ["a / 0", "9e99 ** 9e99", "log(-1)", "1e308 * 10", "sqrt(a, b)"])
def test_what_comes_to_no_number(text: str) -> None:
    with pytest.raises(BadInput):
        compute(text, SCORES)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(BadInput):
        check("(" * 5000 + "a" + ")" * 5000, SCORES)
