"""Every error renders the four keys OpenAI's clients rely on."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import orjson
import pytest

from gateway import errors


def tree(cls: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from tree(sub)


@pytest.mark.parametrize("cls", list(tree(errors.GatewayError)))
def test_four_keys(cls: type[errors.GatewayError]) -> None:
    arguments: dict[str, object] = {"message": "what is wrong", "upstream_status": 500, "error": None}
    wanted = {k: v for k, v in arguments.items() if k in inspect.signature(cls).parameters}
    body = orjson.loads(errors.error_body(cls(**wanted)))
    assert list(body) == ["error"]
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert 400 <= cls.status < 600


def test_the_drawn_tree_names_every_error() -> None:
    assert errors.__doc__ is not None
    assert [c.__name__ for c in tree(errors.GatewayError) if c.__name__ not in errors.__doc__] == []
