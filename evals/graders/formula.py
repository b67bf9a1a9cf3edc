"""The arithmetic of a multi grader's `calculate_output`: numbers, names of graders, + - * / % **, and a few functions.

Read by Python's own parser and worked out here, node by node: nothing else that Python could do is known.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from evals.errors import BadInput

BINARY: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,
}
FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "log": math.log,
}


def check(text: str, names: Collection[str]) -> None:
    """Raises `BadInput` for what is no such formula, or names a grader that there is not."""
    for node in ast.walk(_parsed(text)):
        if isinstance(node, ast.Name) and node.id not in names and node.id not in FUNCTIONS:
            raise BadInput(f"there is no grader {node.id[:80]!r}; there are {', '.join(sorted(names))}.")
    _value(_parsed(text), dict.fromkeys(names, 0.5), dry=True)


def compute(text: str, scores: Mapping[str, float]) -> float:
    """Raises `BadInput` where it comes to no finite number."""
    try:
        value = float(_value(_parsed(text), scores))
    except (ArithmeticError, ValueError, TypeError) as error:
        raise BadInput(f"The formula cannot be worked out: {error}.") from error
    if not math.isfinite(value):
        raise BadInput("The formula comes to no finite number.")
    return value


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput("this is no formula.") from error


def _value(node: ast.expr, scores: Mapping[str, float], dry: bool = False) -> float:
    """With `dry`, only whether every node is known."""
    below: list[Any] = []
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id=name) if name in scores:
            return scores[name]
        case ast.UnaryOp(op=ast.USub(), operand=one):
            return -_value(one, scores, dry)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            below = [_value(left, scores, dry), _value(right, scores, dry)]
            return 0.5 if dry else BINARY[type(op)](*below)
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as given, keywords=[]) if name in FUNCTIONS:
            below = [_value(one, scores, dry) for one in given]
            return 0.5 if dry else FUNCTIONS[name](*below)
    known = f"numbers, names, + - * / % ** and {', '.join(FUNCTIONS)}"
    raise BadInput(f"{ast.unparse(node)[:80]!r} is not one of {known}.")
