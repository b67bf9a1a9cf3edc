"""Every error renders the four keys OpenAI's clients rely on, and the drawn tree is the real one."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from gateway import errors
from tests.architecture.sources import PRODUCT, sources

TYPES = {
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "rate_limit_error",
    "server_error",
    "upstream_error",
}
DRAWN = re.compile(r"^    (?P<indent>[│├└─ ]+) (?P<name>\w+) +(?P<status>\d{3}|\.\.\.)", re.MULTILINE)


def tree(cls: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    for sub in cls.__subclasses__():
        if sub.__module__ == errors.__name__:
            yield sub
            yield from tree(sub)


EVERY = list(tree(errors.GatewayError))


def made(cls: type[errors.GatewayError]) -> errors.GatewayError:
    arguments: dict[str, Any] = {"message": "what is wrong", "allow": ["GET"], "upstream_status": 500, "error": None}
    return cls(**{name: value for name, value in arguments.items() if name in inspect.signature(cls).parameters})


@pytest.mark.parametrize("cls", EVERY)
def test_four_keys(cls: type[errors.GatewayError]) -> None:
    body = orjson.loads(errors.error_body(made(cls)))
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]


@pytest.mark.parametrize("cls", EVERY)
def test_each_has_a_status_a_type_and_a_code(cls: type[errors.GatewayError]) -> None:
    error = made(cls)
    assert 400 <= error.status < 600
    assert error.type in TYPES
    assert error.code or cls is errors.BadRequest  # of which only the one who raises it knows the reason
    assert error.message
    passing = error.status == 429 or error.status > 500 or cls is errors.InProgress
    lasting = cls in (errors.Unequipped, errors.OverLimit)
    assert cls.retryable == (passing and not lasting), "the SDKs must not try again in vain"


def test_a_reason_given_outranks_the_class_own() -> None:
    error = errors.NotFound("There is no such model.", param="model", code="model_not_found", retry_after=2.5)
    assert (error.param, error.code, error.retry_after) == ("model", "model_not_found", 2.5)


def test_the_drawn_tree_is_the_tree() -> None:
    """Names, statuses and who is below whom, as the module's docstring draws them."""
    assert errors.__doc__ is not None
    path = ["GatewayError"]
    drawn = {}
    for line in DRAWN.finditer(errors.__doc__):
        depth = (len(line["indent"]) + 1) // 4
        path[depth:] = [line["name"]]
        drawn[line["name"]] = (path[depth - 1], line["status"])
    real = {cls.__name__: (cls.__bases__[0].__name__, str(cls.status)) for cls in EVERY}
    real["UpstreamRefused"] = ("UpstreamFailed", "...")
    assert drawn == real


def test_messages_say_more_than_a_word() -> None:
    """What a client reads is written for it: never a bare `str(error)`, never a shrug."""

    def poor(text: ast.expr) -> bool:
        if isinstance(text, ast.Constant):
            return len(str(text.value).split()) < 3
        return re.fullmatch(r"(str|repr)\(\w+\)", ast.unparse(text)) is not None

    def raised(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names

    names = {cls.__name__ for cls in EVERY}
    calls = [(source.name, node) for source in sources(*PRODUCT) for node in ast.walk(source.tree) if raised(node)]
    assert len(calls) > 100
    assert [
        (name, node.lineno) for name, node in calls if isinstance(node, ast.Call) and any(map(poor, node.args))
    ] == []
