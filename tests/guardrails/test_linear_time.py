"""That nothing a text holds makes reading it, or looking through it by rules, take more than its length.

No clock is asked, which says something else on each machine: calls are counted, and the characters that are handed to
regular expressions. Four times the text may take four times of both, and a little.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import pytest

import guardrails.canonical
import guardrails.credentials
import guardrails.guards
from guardrails import linear
from guardrails.canonical.views import views
from guardrails.guard import Finder
from guardrails.guards.code import STATEMENTS
from guardrails.guards.leakage import Leakage
from guardrails.guards.patterns import Patterns
from guardrails.guards.secrets import Secrets
from guardrails.guards.urls import Urls
from guardrails.passage import Surroundings

PIECES = (
    "a", "a ", "a-", "QUJD", "41", "\\x41", "%41", "&#65;", "<!--", "<a ", "<div style=", "![", "](x ", "/*", "# a\n",
    "**", "a**b", '"""', "```\n", "a\u200b", "\u0430b", "a\u0301", "\U000e0041", "\u202ea", "\ud800a", "\n", "\0",
    "vtaber nyy ", "1gn0r3 411 ", "eyJ ", "eyJ", "ghp_", "sk-", "-----BEGIN PRIVATE KEY-----\n", "://", "a://b:c@",
    "https://a.b/?q=", "password=", "password: x1", "token = ", "bearer ", "AccountKey=", "data:text/html,", "(//a",
    "select a from ", "$(", "0 1 ",
)  # fmt: skip
FINDERS: dict[str, Finder] = {
    "secrets": Secrets(guard="secrets"),
    "urls": Urls(guard="urls"),
    "leakage": Leakage(guard="leakage"),
    "patterns": Patterns(guard="patterns", patterns={"run": "(a+)+b", "word": r"\b\w+@\w+\b"}, words=("ab", "a b")),
}
AROUND = Surroundings(system="a QUJD eyJ password " * 20, canaries=("aaaaaaaaaaaa",))
SIZE = 9000
"""Characters; more than a rule looks at from one place."""


def effort(act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Calls that are made, and characters that regular expressions are given."""
    given, calls = 0, 0
    encodable = linear._encodable

    def counted(text: str) -> str:
        nonlocal given
        given += len(text)
        return encodable(text)

    def called(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    monkeypatch.setattr(linear, "_encodable", counted)
    sys.setprofile(called)
    try:
        act()
    finally:
        sys.setprofile(None)
        monkeypatch.setattr(linear, "_encodable", encodable)
    return calls, given


def holds(act: Callable[[str], object], piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (piece * (size // len(piece)) for size in (SIZE, 4 * SIZE))
    act(few)
    calls, given = effort(lambda: act(few), monkeypatch)
    more_calls, more_given = effort(lambda: act(many), monkeypatch)
    assert more_calls <= 5 * calls + 2000
    assert more_given <= 5 * given + 20_000


@pytest.mark.parametrize("piece", PIECES)
def test_reading_takes_time_in_proportion(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    holds(views, piece, monkeypatch)


@pytest.mark.parametrize("name", FINDERS)
@pytest.mark.parametrize("piece", PIECES)
def test_finding_takes_time_in_proportion(name: str, piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = FINDERS[name]
    holds(lambda text: finder.spans(text, AROUND), piece, monkeypatch)
    holds(finder.settled, piece, monkeypatch)


@pytest.mark.parametrize("piece", PIECES)
def test_statements_take_time_in_proportion(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    holds(lambda text: [list(pattern.finditer(text)) for pattern in STATEMENTS.values()], piece, monkeypatch)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


OURS = [*modules(guardrails.canonical), *modules(guardrails.credentials)]


@pytest.mark.parametrize("module", OURS, ids=lambda module: module.__name__)
def test_texts_are_read_by_the_linear_engine_alone(module: ModuleType) -> None:
    assert not [name for name, value in vars(module).items() if value is re or isinstance(value, re.Pattern)]


def nested(tree: Any, inside: bool = False) -> bool:
    """Whether a repeat without a bound has another in it, which is what takes exponential time."""
    for operator, argument in tree:
        repeats = operator in (constants.MAX_REPEAT, constants.MIN_REPEAT)
        unbounded = repeats and argument[1] == constants.MAXREPEAT
        if unbounded and inside:
            return True
        parts = argument if isinstance(argument, tuple | list) else (argument,)
        for part in (one for group in parts for one in (group if isinstance(group, list) else [group])):
            if isinstance(part, parser.SubPattern) and nested(part, inside or unbounded):
                return True
    return False


def test_what_is_nested_is_told() -> None:
    assert nested(parser.parse("(a+)+b"))
    assert nested(parser.parse("(?:x(?:a*|b))*"))
    assert not nested(parser.parse("(a{1,3})+b+"))


@pytest.mark.parametrize("module", [linear, *modules(guardrails.guards)], ids=lambda module: module.__name__)
def test_other_patterns_have_no_repeat_in_a_repeat(module: ModuleType) -> None:
    compiled = [value for value in vars(module).values() if isinstance(value, re.Pattern)]
    assert not [pattern.pattern for pattern in compiled if nested(parser.parse(pattern.pattern, pattern.flags))]
