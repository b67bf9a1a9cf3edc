"""Small files, small functions, named concepts: what keeps the project readable, counted."""

from __future__ import annotations

import ast

from tests.architecture.sources import PRODUCT, Function, Source, sources

EVERYTHING = (*PRODUCT, "tests", "benchmarks", "scripts")
LONGEST_FILE = 400
LONGEST_TEST = 600
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 7
NAMELESS = {"base_utils", "common", "core", "helper", "helpers", "manager", "misc", "service", "util", "utils"}
"""Modules of these names collect what has no place; a concept's name would say what belongs in it."""


def test_files_are_short() -> None:
    def most(name: str) -> int:
        return LONGEST_TEST if name.startswith("tests/") else LONGEST_FILE

    assert [f"{s.name}: {s.lines} lines" for s in sources(*EVERYTHING) if s.lines > most(s.name)] == []


def test_functions_are_short() -> None:
    def lines(function: Function) -> int:
        return (function.end_lineno or 0) - function.lineno + 1

    found = [(s.name, f.name, lines(f)) for s in sources(*EVERYTHING) for f in s.functions()]
    assert [item for item in found if item[2] > LONGEST_FUNCTION] == []


def test_functions_take_few_parameters() -> None:
    """Counted without `self`; what a fixture, a parametrised test or a command is given is not a signature anybody
    calls."""

    def parameters(function: Function) -> int:
        given = function.args
        named = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in ("self", "cls")]
        return len(named) + bool(given.vararg) + bool(given.kwarg)

    def command(source: Source, function: Function) -> bool:
        return source.name.startswith(
            ("evals/cli/", "gateway/cli/", "guardrails/cli/")
        ) and not function.name.startswith("_")

    called = [(s, f) for s in sources(*PRODUCT) for f in s.functions() if not command(s, f)]
    found = [(s.name, f.name, parameters(f)) for s, f in called]
    assert [item for item in found if item[2] > MOST_PARAMETERS] == []


def test_modules_are_named_after_concepts() -> None:
    parts = [(s.name, part) for s in sources(*EVERYTHING) for part in s.module.split(".")]
    assert [name for name, part in parts if part.strip("_") in NAMELESS] == []


def test_packages_export_nothing_heavy() -> None:
    """An `__init__` says what its package is, and at most the version: importing one module loads no other. The client
    is the one package that other people's programs import."""
    inits = [s for s in sources(*PRODUCT) if s.name.endswith("/__init__.py") and s.module != "gateway.client"]
    assert [s.name for s in inits if not ast.get_docstring(s.tree)] == []
    imports = (ast.Import, ast.ImportFrom)
    assert [s.name for s in inits if any(isinstance(node, imports) for node in ast.walk(s.tree))] == []


def test_every_module_says_what_it_is() -> None:
    assert [source.name for source in sources(*PRODUCT) if not ast.get_docstring(source.tree)] == []
